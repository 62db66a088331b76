// Ids of participants come back: lives enter a domain, act in it, leave or die at any step, and who
// enters or cleans repairs after the dead, several at once, who may die themselves. Two that live
// never share an id; an id is given away only when every act of its last life is repaired; and no
// repair touches the living.
//
// No word in shared memory holds an id alone: each carries its life's incarnation beside it (lists
// of evicted readers, owners of lanes, who is waited for), and so do the names of files. What an id
// must be alone for is the table of ids itself, and whatever will use it later.
//
// A life tries once: who gives way tries again under another incarnation, and is another life here.
// A life may die before each statement; then the kernel lets go of its file's lock. A stopped one
// takes no step. An act is a reader's file; its repair is its removal.
//
// mirrors: core/src/participant.cpp choose_id a1991a415ebb
// mirrors: core/src/participant.cpp ids_in_use bc3e9b6f727a
// mirrors: core/src/participant.cpp is_alone 9fd3f3633edc
// mirrors: core/src/participant.cpp Participant::enter 978fac74b38d
// mirrors: core/src/participant.cpp Participant::will_need c82cc20f5d54
// mirrors: core/src/participant.cpp Participant::~Participant f121539877ae
// mirrors: core/src/participant_repairs.cpp removable 21af149fc95b
// mirrors: core/src/participant_repairs.cpp repairs_complete 6a46fa2e5d9b
// mirrors: core/src/participant_repairs.cpp remove_dead_participants 274992331c20
// mirrors: transport/src/clean.cpp repaired 72537b69c7bc
//
// search: -DLIVES=2 -DRECOVERERS=2 -DDEATHS=1
// search: -DLIVES=2 -DRECOVERERS=1 -DDEATHS=2
// twin: -DACTS_BEFORE_IT_SAYS_SO
// twin: -DCOPY_BEFORE_PROBE
// twin: -DFREED_BEFORE_REPAIR
// twin: -DNO_SECOND_LOOK
// twin: -DNAMES_WITHOUT_INCARNATION
#ifndef LIVES
#define LIVES 2
#endif
#ifndef RECOVERERS
#define RECOVERERS 1
#endif
#ifndef DEATHS
#define DEATHS 2
#endif
#define ALL (LIVES + RECOVERERS)

// What the files say. There is one id, and every life wants it.
bool file[LIVES];    // its participant's file has its name
bool locked[LIVES];  // it lives
bool need[LIVES];    // "a repair will be needed"
bool act[LIVES];     // its reader's file

// Ghosts.
bool dying[ALL];
bool in[LIVES];      // it has the id
byte deaths, ended;

// The file of life n may go: it is dead, and all repairs are complete. Repairs on the way.
inline may_remove(n, yes) {
  yes = 0;
#ifdef COPY_BEFORE_PROBE
  needs = need[n];
#endif
  if
  :: locked[n]
  :: !locked[n] ->
#ifndef COPY_BEFORE_PROBE
     needs = need[n];
#endif
     if
     :: needs && file[n] ->
#ifdef FREED_BEFORE_REPAIR
        file[n] = 0;
#endif
        if :: act[n] -> atomic { assert(!in[n]); act[n] = 0 } :: else fi
     :: else
     fi;
     yes = 1
  fi
}

// By name, and a name carries the incarnation.
inline remove(n) {
#ifdef NAMES_WITHOUT_INCARNATION
  atomic {
    m = 0;
    do :: m < LIVES && !file[m] -> m++ :: else -> break od;
    if :: m < LIVES -> assert(!in[m]); file[m] = 0 :: else fi;
    m = 0
  }
#else
  atomic { assert(!in[n]); file[n] = 0 }
#endif
}

// Listing is one step; a file that comes later is missed, and one that goes is not found.
inline next_other() {
  d_step {
    do
    :: n < LIVES && (n == self || !file[n]) -> n++
    :: else -> break
    od
  }
}

// `found`: somebody else has the id, by a file that may not go.
inline look_at_others(removes, found) {
  found = 0;
  n = 0;
  next_other();
  do
  :: n < LIVES ->
     may_remove(n, yes);
     if
     :: yes && removes -> remove(n)
     :: yes && !removes
     :: !yes -> found = 1
     fi;
     n++;
     next_other()
  :: else -> break
  od
}

// From here on it has the id, and nobody else has, nor has a dead one left an act.
inline has_the_id_alone() {
  d_step {
    in[self] = 1;
    m = 0;
    do
    :: m < LIVES -> assert(m == self || (!in[m] && !act[m])); m++
    :: else -> break
    od;
    m = 0
  }
}

proctype Life(byte self) {
  byte n, m;
  bool yes, needs, others;
  {
    look_at_others(true, others);
    if :: others -> goto out :: else fi;
    atomic { file[self] = 1; locked[self] = 1 };
#ifndef NO_SECOND_LOOK
    look_at_others(false, others);
    if :: others -> file[self] = 0; goto out :: else fi;
#endif
    skip;
    has_the_id_alone();
#ifdef ACTS_BEFORE_IT_SAYS_SO
    act[self] = 1;
    need[self] = 1;
#else
    need[self] = 1;
    act[self] = 1;
#endif
    has_the_id_alone();
    assert(act[self] && file[self]);
    // It leaves in good order.
    act[self] = 0;
    atomic { in[self] = 0; file[self] = 0 }
out:
    locked[self] = 0
  } unless { dying[self] };
  skip;
  d_step { in[self] = 0; n = 0; m = 0; yes = 0; needs = 0; others = 0 };
  locked[self] = 0;  // the kernel
  ended++
}

proctype Recoverer(byte self) {
  byte n, m;
  bool yes, needs, others;
  { look_at_others(true, others) } unless { dying[self] };
  skip;
  d_step { n = 0; m = 0; yes = 0; needs = 0; others = 0; ended++ }
}

proctype Death() {
  byte who;
  do
  :: atomic { deaths < DEATHS && ended < ALL -> select(who : 0 .. ALL - 1); dying[who] = 1; deaths++ }
  :: break
  od
}

init {
  byte i;
  atomic {
    do
    :: i < LIVES -> run Life(i); i++
    :: i >= LIVES && i < ALL -> run Recoverer(i); i++
    :: i == ALL -> break
    od;
    run Death()
  }
}
