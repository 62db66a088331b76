// Publishers of one name come, die at any step, and come again; another name uses the same lane
// numbers. Whoever owns the name is alone, goes on at the frontier, and loses nothing committed.
//
// A process may die before each statement; the kernel then lets go of its participant's file and of
// its lane locks one after the other, in any order. A stopped process is one that takes no step.
// Waiting may end at any time: no time-out may harm.
//
// mirrors: transport/src/lane_acquire.cpp acquire d5f310a1adde
// mirrors: transport/src/lane_acquire.cpp new_lane 117e9de0518b
// mirrors: transport/src/lane_acquire.cpp continue_named 0e8aebc7b22b
// mirrors: transport/src/lane_acquire.cpp take_over a83734953ca0
// mirrors: transport/src/lane_acquire.cpp alone_of_its_name 13f28f2f3cbb
// mirrors: transport/src/lane_making.cpp find_lane_named b87409c6b812
// mirrors: transport/src/lane_making.cpp lock_lane fa7aeeac14d9
// mirrors: transport/src/lane_making.cpp make_lane 45db4791d560
// mirrors: transport/src/lane_making.cpp retire d6008e061846
// mirrors: transport/src/lane_making.cpp check_owner_gone 2d3977894f1e
// mirrors: transport/src/lane_files.cpp remove_lane ec316319480b
//
// search: -DNAMESAKES=2 -DOTHERS=0 -DCRASHES=2
// search: -DNAMESAKES=2 -DOTHERS=1 -DCRASHES=0
// full: -DNAMESAKES=2 -DOTHERS=1 -DCRASHES=1
// twin: -DANY_NAME_CONTINUED -DOTHERS=1 -DCRASHES=0
// twin: -DLOOKS_BEFORE_IT_MAKES -DOTHERS=0 -DCRASHES=0
// twin: -DNO_LOCK -DNAMESAKES=3 -DOTHERS=0
// twin: -DFRONTIER_BEFORE_LOCK -DOTHERS=0
// twin: -DREMOVES_WITHOUT_LOCK -DNAMESAKES=3 -DOTHERS=0
#ifndef NAMESAKES
#define NAMESAKES 2
#endif
#ifndef OTHERS
#define OTHERS 1
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#define PUBLISHERS (NAMESAKES + OTHERS)
#define LANES PUBLISHERS
#define NOBODY 255
#define ATTEMPTS 3

mtype = { live, left, retired };

// What the files say. A lock is its holder's number plus one.
byte lock[LANES];
bool linked[LANES];
byte named[LANES];
byte owner[LANES];
mtype state[LANES];
byte committed[LANES];
bool gone[PUBLISHERS];  // what the probe of a participant's file says

// Ghosts: what the model knows and nobody in it.
bool dying[PUBLISHERS];
bool owns[PUBLISHERS];
byte crashes;
byte owners[2];  // living owners of a name
byte sent[2];    // messages committed under a name
bool gave_up;    // somebody waited no longer
byte ended;      // publishers that are done, dead or alive

#define NAME(p) (p < NAMESAKES -> 0 : 1)
#define ALIVE(p) (!gone[p])

// The lowest lane of this name. Listing the directory and opening what it lists is one step: a lane
// that comes meanwhile is missed as if it came later, one that goes is not found.
inline find(except, found) {
  d_step {
    found = NOBODY;
    do
    :: seen < LANES ->
       if
       :: linked[seen] && named[seen] == me && seen != except -> found = seen; break
       :: else -> seen++
       fi
    :: else -> break
    od;
    seen = 0
  }
}

inline unlock(n) {
  if :: n != NOBODY && lock[n] == self + 1 -> lock[n] = 0 :: else fi
}

// What is done under a lane's lock, or to what nobody else sees yet, is one step up to the next
// store that others see; each such store is a step of its own.
proctype Publisher(byte self) {
  byte me = NAME(self);
  byte lane = NOBODY;   // whose lock we hold because we own or made it
  byte other = NOBODY;
  byte seen, attempt, n, frontier;
  {
    attempt = 0;
acquire:
    atomic {
      find(NOBODY, other);
      n = 0;
      if :: other != NOBODY -> goto continue_other :: else fi
    }
    do
    :: atomic { n < LANES && lock[n] == 0 -> lock[n] = self + 1 };
       atomic {
         if
         :: linked[n] -> unlock(n); n++  // named lanes are never retired
         :: else ->
            linked[n] = 1; named[n] = me; owner[n] = self; state[n] = live; committed[n] = 0;
            lane = n;
            break
         fi
       }
    :: atomic { n < LANES && lock[n] != 0 -> n++ }
    :: n == LANES -> goto leave
    od;
#ifdef LOOKS_BEFORE_IT_MAKES
    goto own;
#endif
    do
    :: atomic {
         find(lane, other);
         if
         :: other == NOBODY -> goto own
         :: other < lane -> break
         // Wait for it to go, or no longer.
         :: else -> if :: true :: gave_up = 1; break fi
         fi
       }
    od;
#ifdef REMOVES_WITHOUT_LOCK
    atomic { unlock(lane) };
#endif
    state[lane] = retired;
    linked[lane] = 0;
    // Its lock goes only when the other lane has been tried.

continue_other:
#ifdef FRONTIER_BEFORE_LOCK
    frontier = committed[other];
#endif
    do
#ifdef NO_LOCK
    :: true -> break
#endif
    :: atomic { lock[other] == 0 -> lock[other] = self + 1; break }
    :: atomic {
         lock[other] != 0 ->
         assert(lock[other] != self + 1);  // nobody locks twice
         if
         :: !linked[other] -> goto not_found
         :: linked[other] && ALIVE(owner[other]) && state[other] == live -> goto leave
         :: else -> if :: true :: gave_up = 1; goto leave fi
         fi
       }
    od;
    atomic {
      if
      :: !linked[other] -> unlock(other); goto not_found
#ifndef ANY_NAME_CONTINUED
      :: linked[other] && named[other] != me -> unlock(other); goto not_found
#endif
      :: else
      fi;
      if
      :: state[other] == live && ALIVE(owner[other]) -> unlock(other); goto leave
      :: else
      fi;
#ifndef FRONTIER_BEFORE_LOCK
      frontier = committed[other];
#endif
      owner[other] = self
    }
    atomic { state[other] = live; unlock(lane); lane = other; other = NOBODY }

own:
    atomic {
      owners[me]++;
      owns[self] = 1;
      assert(owners[me] == 1);         // alone of its name
      assert(linked[lane]);            // where others can find it
      assert(named[lane] == me);       // its own name's lane, and no other's
      assert(frontier == sent[me])     // at the frontier: nothing lost, nothing twice
    }
    atomic {
      assert(linked[lane] && named[lane] == me && committed[lane] == sent[me]);
      committed[lane]++;
      sent[me]++
    }
    if
    :: state[lane] = left
    :: skip  // it goes without a word
    fi;
    atomic { owners[me]--; owns[self] = 0; goto leave }

not_found:
    atomic {
      unlock(lane);
      lane = NOBODY;
      other = NOBODY;
      if
      :: attempt < ATTEMPTS -> attempt++; goto acquire
      :: else
      fi
    }
leave:
    atomic { unlock(lane); lane = NOBODY }
    gone[self] = 1
  } unless { dying[self] };
  // The kernel takes a dead one down.
  do
  :: lock[0] == self + 1 -> lock[0] = 0
  :: lock[1] == self + 1 -> lock[1] = 0
#if PUBLISHERS > 2
  :: lock[2] == self + 1 -> lock[2] = 0
#endif
  :: !gone[self] -> gone[self] = 1
  :: else -> break
  od;
  skip;
  d_step { ended++; lane = NOBODY; other = NOBODY; attempt = 0; n = 0; frontier = 0 }
}

// A publisher of another name that is alone of it from the start: it takes the lowest number.
proctype Stranger(byte self) {
  byte n, lane = NOBODY;
  {
    n = 0;
    do
    :: atomic { n < LANES && lock[n] == 0 -> lock[n] = self + 1 };
       atomic {
         if
         :: linked[n] -> unlock(n); n++
         :: else ->
            linked[n] = 1; named[n] = 1; owner[n] = self; state[n] = live; committed[n] = 0;
            lane = n;
            break
         fi
       }
    :: atomic { n < LANES && lock[n] != 0 -> n++ }
    :: n == LANES -> goto leave
    od;
    atomic {
      assert(linked[lane] && named[lane] == 1 && owner[lane] == self && committed[lane] == 0);
      committed[lane]++
    }
    assert(linked[lane] && owner[lane] == self && committed[lane] == 1);  // nobody writes in it
    atomic { unlock(lane); lane = NOBODY }  // it ends without a word
leave:
    gone[self] = 1
  } unless { dying[self] };
  do
  :: atomic { lane != NOBODY && lock[lane] == self + 1 -> lock[lane] = 0 }
  :: atomic { lane == NOBODY && n < LANES && lock[n] == self + 1 -> lock[n] = 0 }
  :: !gone[self] -> gone[self] = 1
  :: else -> break
  od;
  skip;
  d_step { ended++; lane = NOBODY; n = 0 }
}

#define MAY_DIE(p) p < PUBLISHERS && crashes < CRASHES && !dying[p] && !gone[p]

inline die(p) {
  crashes++;
  dying[p] = 1;
  if :: owns[p] -> owns[p] = 0; owners[NAME(p)]-- :: else fi
}

proctype Death() {
  do
  :: d_step { MAY_DIE(0) -> die(0) }
  :: d_step { MAY_DIE(1) -> die(1) }
#if PUBLISHERS > 2
  :: d_step { MAY_DIE(2) -> die(2) }
#endif
  :: ended == PUBLISHERS -> break
  od
}

init {
  byte p;
  atomic {
    do :: p < NAMESAKES -> run Publisher(p); p++ :: else -> break od;
    do :: p < PUBLISHERS -> run Stranger(p); p++ :: else -> break od;
    run Death()
  }
  ended == PUBLISHERS;
  // Of all that came at once somebody got the name.
  assert(crashes > 0 || gave_up || sent[0] > 0)
}
