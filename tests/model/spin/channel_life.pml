// A channel is made, used, removed and made again by processes that die at any step, while others
// clean. A channel that has its name is whole; nobody empties a directory that a living process
// builds, or that it was told is in place.
//
// A channel is a directory: one under construction or in removal has a private name. There is one
// public name. A process that looks at the directory holds the directory, whatever its name.
//
// mirrors: transport/src/domain.cpp Domain::channel 265e9d441571
// mirrors: transport/src/channel_build.cpp build_channel d8d30d720d52
// mirrors: transport/src/channel_state.cpp ChannelState::open 059828df35ea
// mirrors: transport/src/channel_state.cpp ChannelState::check_in_place fa01f4933d85
// mirrors: transport/src/clean.cpp Sweep::remove 08c1d7eab593
// mirrors: transport/src/clean.cpp Sweep::remove_channel e5b5b8db7729
// mirrors: transport/src/clean.cpp Sweep::unused b7417dadace8
// mirrors: transport/src/clean.cpp Sweep::remove_unfinished 1c00fb818e54
// mirrors: transport/src/clean.cpp Sweep::remove_tree ab331149e24e
//
// search: -DUSERS=1 -DREMOVERS=1 -DCRASHES=1
// search: -DUSERS=1 -DREMOVERS=2 -DCRASHES=0
// full: -DUSERS=1 -DREMOVERS=2 -DCRASHES=1
// twin: -DHIDES_ANY_DIRECTORY -DUSERS=1 -DREMOVERS=2 -DCRASHES=0
// twin: -DLOOKS_ONCE -DUSERS=1 -DREMOVERS=1 -DCRASHES=0
// twin: -DNOT_IN_PLACE -DUSERS=1 -DREMOVERS=1 -DCRASHES=0
// twin: -DLIVING_BEFORE_NAMES -DUSERS=1 -DREMOVERS=1 -DCRASHES=0
// twin: -DSHOWN_UNFINISHED -DUSERS=2 -DREMOVERS=1 -DCRASHES=0
// twin: -DCLEANS_WHAT_IS_USED -DUSERS=1 -DREMOVERS=1 -DCRASHES=1
#ifndef USERS
#define USERS 2
#endif
#ifndef REMOVERS
#define REMOVERS 1
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#define CLEANER (USERS + REMOVERS)  // the number of the one that cleans
#define PROCESSES (CLEANER + 1)
#define ROOMS (1 + 2 * USERS)  // directories that ever exist: what somebody holds is not reused
#define NONE 255

// The name of a directory.
mtype = { gone, private, public };

mtype name[ROOMS];
byte creator[ROOMS];  // of whose life the private name speaks
bool complete[ROOMS];
byte publisher[ROOMS];  // whose lane is in it
bool entered[PROCESSES];  // has a participant
bool dead[PROCESSES];     // what the probe of it says

// Ghosts: what nobody in the model knows.
bool dying[PROCESSES];
bool building[ROOMS];
bool uses[PROCESSES];  // was told that the channel is in place, and has not left
byte crashes, ended, rooms;

#define ALIVE(p) (entered[p] && !dead[p])

inline find_public(found) {
  d_step {
    found = NONE;
    do
    :: k < ROOMS && name[k] == public -> found = k; break
    :: k < ROOMS && name[k] != public -> k++
    :: else -> break
    od;
    k = 0
  }
}

// A rename that replaces nothing.
inline give_name(room, shown) {
  d_step {
    do
    :: k < ROOMS && name[k] == public -> break
    :: k < ROOMS && name[k] != public -> k++
    :: else -> break
    od;
    shown = (k == ROOMS && name[room] == private);
    if :: shown -> name[room] = public; building[room] = 0 :: else fi;
    k = 0
  }
}

// Files first, the directory last; who is in it is a ghost's question.
inline remove_tree(room) {
  d_step {
    assert(publisher[room] == NONE || !uses[publisher[room]]);
    assert(!building[room]);
    name[room] = gone;
    complete[room] = 0;
    publisher[room] = NONE
  }
}

// Makes the channel if it is not there, publishes in it, and goes.
proctype User(byte self) {
  byte room = NONE, made = NONE, k;
  bool shown;
  byte attempt = 0;
  {
    entered[self] = 1;
find:
    find_public(room);
    if
    :: room != NONE -> goto open
    :: else
    fi;
    // Build: a private name, then what is in it, then the public name.
    d_step {
      made = rooms;
      rooms++;
      name[made] = private;
      creator[made] = self;
      complete[made] = 0;
      publisher[made] = NONE;
      building[made] = 1
    }
#ifdef SHOWN_UNFINISHED
    give_name(made, shown);
    complete[made] = 1;
#else
    complete[made] = 1;
    give_name(made, shown);
#endif
    d_step {
      building[made] = 0;
      if :: !shown -> name[made] = gone :: else fi;
      made = NONE
    }
    if
    :: attempt < 1 -> attempt++; goto find
    :: else -> goto leave
    fi;

open:
    if
    :: name[room] == gone -> goto leave
    :: else
    fi;
    assert(name[room] != public || complete[room]);  // what has its name is whole
    atomic {
      if
      :: name[room] != gone && publisher[room] == NONE -> publisher[room] = self
      :: else -> goto leave  // it has just gone, or another one publishes in it
      fi
    }
#ifndef NOT_IN_PLACE
    atomic {
      if
      :: name[room] == public -> uses[self] = 1
      :: else -> goto leave
      fi
    }
#else
    uses[self] = 1;
#endif
    assert(name[room] != gone && publisher[room] == self);
leave:
    skip
  } unless { dying[self] };
  skip;
  d_step {
    uses[self] = 0;
    dead[self] = 1;
    if :: made != NONE -> building[made] = 0 :: else fi;
    room = NONE; made = NONE; attempt = 0; shown = 0;
    ended++
  }
}

#define UNUSED(r) (publisher[r] == NONE || !ALIVE(publisher[r]))

// Domain::remove, and the half of clean that removes whole channels.
proctype Remover(byte self) {
  byte room = NONE, taken = NONE, k;
  bool shown;
  {
    entered[self] = 1;
    find_public(room);
    if :: room == NONE -> goto leave :: else fi;
    if :: UNUSED(room) -> skip :: else -> goto leave fi;
    // Renames what has the name now.
    d_step {
      do
      :: k < ROOMS && name[k] == public -> taken = k; name[k] = private; creator[k] = self; break
      :: k < ROOMS && name[k] != public -> k++
      :: else -> break
      od;
      k = 0
    }
    if :: taken == NONE -> goto leave :: else fi;
#ifndef HIDES_ANY_DIRECTORY
    if
    :: taken != room -> give_name(taken, shown); goto leave
    :: else
    fi;
#endif
#ifndef LOOKS_ONCE
    if
    :: UNUSED(room) -> skip
    :: else -> give_name(taken, shown); goto leave
    fi;
#endif
    remove_tree(taken);
leave:
    skip
  } unless { dying[self] };
  skip;
  d_step { dead[self] = 1; room = NONE; taken = NONE; shown = 0; ended++ }
}

#define RUIN(r) (name[r] == private && ruin[r] == creator[r] + 1)

// The half of clean that removes ruins: directories whose maker, or remover, has died.
proctype Cleaner() {
  byte k;
  byte ruin[ROOMS];  // of whose life its private name spoke, plus one
  bool living[PROCESSES];
  byte at;
  do
  :: ended == CLEANER -> break
  :: true ->
#ifdef LIVING_BEFORE_NAMES
     d_step {
       do :: k < PROCESSES -> living[k] = ALIVE(k); k++ :: else -> break od;
       k = 0
     }
#endif
     d_step {
       do
       :: k < ROOMS -> ruin[k] = (name[k] == private -> creator[k] + 1 : 0); k++
       :: else -> break
       od;
       k = 0
     }
#ifndef LIVING_BEFORE_NAMES
     d_step {
       do :: k < PROCESSES -> living[k] = ALIVE(k); k++ :: else -> break od;
       k = 0
     }
#endif
     do
     :: at < ROOMS ->
        if
#ifdef CLEANS_WHAT_IS_USED
        :: RUIN(at) && !living[creator[at]] -> remove_tree(at)
#else
        :: RUIN(at) && !living[creator[at]] && UNUSED(at) -> remove_tree(at)
#endif
        :: else
        fi;
        at++
     :: else -> break
     od;
     at = 0;
     d_step {
       do :: k < ROOMS -> ruin[k] = 0; k++ :: else -> break od;
       k = 0;
       do :: k < PROCESSES -> living[k] = 0; k++ :: else -> break od;
       k = 0
     }
  od;
  // Nothing that nobody uses is left under a private name, once `clean` has run after everybody.
  do
  :: at < ROOMS ->
     if :: name[at] == private && UNUSED(at) -> remove_tree(at) :: else fi;
     at++
  :: else -> break
  od
}

#define MAY_DIE(p) crashes < CRASHES && !dying[p] && entered[p] && !dead[p]

proctype Death() {
  byte p;
  do
  :: p < CLEANER ->
     if
     :: d_step { MAY_DIE(p) -> crashes++; dying[p] = 1; uses[p] = 0 }
     :: p++
     fi
  :: else -> break
  od
}

init {
  byte p;
  atomic {
    do :: p < ROOMS -> name[p] = gone; publisher[p] = NONE; p++ :: else -> break od;
    p = 0;
    name[0] = public;  // somebody made it long ago
    complete[0] = 1;
    creator[0] = CLEANER;
    rooms = 1;
    do :: p < USERS -> run User(p); p++ :: else -> break od;
    do :: p < CLEANER -> run Remover(p); p++ :: else -> break od;
    run Cleaner();
    run Death()
  }
}
