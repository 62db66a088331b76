// A publisher against readers that stand in its way and die, the publisher itself, its successor,
// and who removes the files of the dead. Where readers are waited for, one that lives (or is only
// stopped) is never overtaken; where they are given up on, whoever was overtaken finds itself in the
// lane's list; nobody accepts overwritten bytes; and nobody dead holds a publisher.
//
// Reader 1 comes after reader 0 has ended and has the same id and another incarnation. Words are
// seen in the order in which they are stored: weak memory is the business of eviction_model.cpp and
// join_model.cpp, and taking a place that of the latter (here it is one step).
//
// mirrors: core/include/millrace/core/limit.hpp LimitKeeper::raise 984ad2000c19
// mirrors: transport/src/lane_owner.cpp LaneOwner::clear_the_way 1e1c1655d30a
// mirrors: transport/src/lane_owner.cpp LaneOwner::drop_if_dead e698ac6c9b60
// mirrors: transport/src/lane_owner.cpp LaneOwner::evict 73b0e9e11940
// mirrors: transport/src/reader_table.cpp ReaderTable::counts b249bd5768c5
// mirrors: transport/src/reader_table.cpp ReaderTable::slowest 88e96656ce37
// mirrors: transport/src/reader_table.cpp ReaderTable::give_up d005ea0ac10a
// mirrors: transport/src/lane_set.cpp LaneSet::was_evicted 5393f3b0060e
// mirrors: transport/src/lane_set.cpp LaneSet::lapped d29898494c5c
// mirrors: transport/src/clean.cpp Sweep::remove_dead_readers 67d8c495b7e2
//
// search: -DEVICTS=0 -DDEATHS=2
// search: -DEVICTS=1 -DDEATHS=1
// full: -DEVICTS=1 -DDEATHS=2
// twin: -DEVICTS=0 -DSTOPPED_IS_DEAD
// twin: -DEVICTS=0 -DDEAD_BY_ID
// twin: -DEVICTS=0 -DSUCCESSOR_TAKES_A_LAP
// twin: -DEVICTS=1 -DRAISED_BEFORE_NAMED
// twin: -DEVICTS=1 -DGIVEN_UP_FOR_GOOD
// twin: -DEVICTS=1 -DNO_VALIDATION
#ifndef EVICTS
#define EVICTS 0
#endif
#ifndef DEATHS
#define DEATHS 2
#endif
#ifndef MESSAGES
#define MESSAGES 4
#endif
#define CAPACITY 2
#define READERS 2
#define PUBLISHERS 2
#define LISTED 8
#define NOBODY 255

// The lane. A message is one position long and says its own number plus one.
byte slot[CAPACITY];
byte limit, committed;
byte listed[LISTED], listed_count;
byte owner_lock;  // its holder's number plus one

// Readers' files.
bool linked[READERS], lives[READERS];
byte at[READERS], joins[READERS];

// Ghosts.
bool dying[READERS + PUBLISHERS];
byte deaths;
bool reader_over[READERS];
bool published;  // all of it

// Who lives and stands in its place is not overtaken.
#define WAITED_FOR(r) (!lives[r] || !linked[r] || limit <= at[r] + CAPACITY)

inline end_of_reader() {
  lives[self] = 0;
  reader_over[self] = 1
}

proctype Reader(byte self) {
  byte word, list_seen;
  bool found;
  // Reader 1 has the id of reader 0, who must have ended.
  self == 0 || reader_over[0];
  {
    atomic {
      lives[self] = 1;
      linked[self] = 1;
      at[self] = (limit > CAPACITY -> limit - CAPACITY : 0);
      joins[self] = 1;
      list_seen = listed_count
    }
    do
    :: at[self] == MESSAGES -> break
    :: committed > at[self] ->
       word = slot[at[self] % CAPACITY];
#ifndef NO_VALIDATION
       if
       :: limit > at[self] + CAPACITY -> goto overtaken
       :: else
       fi;
#endif
       atomic { assert(word == at[self] + 1); word = 0; at[self] = at[self] + 1 };
       goto on;
overtaken:
       atomic {
         // One that is waited for is never here.
         assert(EVICTS);
         found = 0;
         do
         :: list_seen < listed_count ->
            if :: listed[list_seen % LISTED] == self -> found = 1 :: else fi;
            list_seen++
         :: else -> break
         od;
         assert(found);
         found = 0;
         word = 0;
         at[self] = limit - CAPACITY;
         joins[self] = 1 - joins[self]
       }
on:    skip
    :: atomic { committed == at[self] && published && at[self] < MESSAGES -> assert(0) }
    od
  } unless { dying[self] };
  // In good order its file goes first; of a dead one it stays until somebody removes it.
  if :: !dying[self] -> linked[self] = 0 :: else fi;
  d_step { word = 0; list_seen = 0; found = 0; end_of_reader() }
}

// `dead`, `given_up` and `given_up_joins` are a publisher's own picture, and end with it.
proctype Publisher(byte self) {
  byte slowest, blocker, r;
  bool dead[READERS], given_up[READERS];
  byte given_up_joins[READERS];
  {
    atomic { owner_lock == 0 -> owner_lock = self + 1 };
#ifdef SUCCESSOR_TAKES_A_LAP
    atomic { limit = committed + CAPACITY; assert(WAITED_FOR(0) && WAITED_FOR(1)) };
#endif
    do
    :: committed == MESSAGES -> break
    :: committed < MESSAGES && committed + 1 <= limit ->
       slot[committed % CAPACITY] = committed + 1;
       committed = committed + 1
    :: committed < MESSAGES && committed + 1 > limit ->
       // Ask: the join handshake makes this look and the raise one step against who joins.
       atomic {
         slowest = NOBODY;
         blocker = NOBODY;
         r = 0;
         do
         :: r < READERS ->
            if
            :: !linked[r] || dead[r] -> skip
            :: linked[r] && !dead[r] && given_up[r] && joins[r] == given_up_joins[r] -> skip
            :: else ->
               if
               :: at[r] + CAPACITY < limit -> skip  // below the floor
               :: at[r] + CAPACITY >= limit && at[r] < slowest -> slowest = at[r]; blocker = r
               :: else
               fi
            fi;
            r++
         :: else -> break
         od;
         r = 0;
         if
         :: slowest == NOBODY || committed + 1 <= slowest + CAPACITY ->
            limit = committed + 1;
            assert(EVICTS || (WAITED_FOR(0) && WAITED_FOR(1)));
            blocker = NOBODY
         :: else
         fi;
         slowest = 0
       }
       if
       :: blocker == NOBODY
       :: blocker != NOBODY ->
#ifdef STOPPED_IS_DEAD
          dead[blocker] = 1;
#else
          if
          :: !lives[blocker] ->
             dead[blocker] = 1;
#ifdef DEAD_BY_ID
             dead[0] = 1;
             dead[1] = 1;
#endif
          :: lives[blocker] && !EVICTS ->
             // It waits until the reader moves, or may be dead.
             (at[blocker] + CAPACITY > limit || !lives[blocker] || !linked[blocker])
          :: lives[blocker] && EVICTS ->
#ifdef RAISED_BEFORE_NAMED
             limit = committed + 1;
#endif
             listed[listed_count % LISTED] = blocker;
             listed_count = listed_count + 1;
             atomic {
               given_up[blocker] = 1;
#ifdef GIVEN_UP_FOR_GOOD
               given_up_joins[blocker] = 1 - joins[blocker];
               dead[blocker] = 1
#else
               given_up_joins[blocker] = joins[blocker]
#endif
             }
          fi;
#endif
          blocker = NOBODY
       fi
    od;
    published = 1
  } unless { dying[READERS + self] };
  // The kernel.
  if :: owner_lock == self + 1 -> owner_lock = 0 :: else fi;
  d_step { slowest = 0; blocker = 0; r = 0 }
}

proctype Recoverer() {
  byte r, times;
  do
  :: times < 2 * READERS ->
     r = times % READERS;
     if
     :: linked[r] && !lives[r] -> linked[r] = 0
     :: else
     fi;
     times++
  :: else -> break
  od
}

proctype Death() {
  byte who;
  do
  // The last publisher lives, so that who remains gets everything.
  :: atomic { deaths < DEATHS -> select(who : 0 .. READERS + PUBLISHERS - 2); dying[who] = 1; deaths++ }
  :: break
  od
}

init {
  atomic {
    run Reader(0);
    run Reader(1);
    run Publisher(0);
    run Publisher(1);
    run Recoverer();
    run Death()
  }
}
