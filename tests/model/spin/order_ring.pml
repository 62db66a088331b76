/* The order ring of core/include/millrace/core/order_ring.hpp (OrderWriter::publish, OrderRing) over
   lanes (LaneWriter::show_unordered, find_frontier): publishers that die at any step, two recoverers
   that may die as well and continue their lanes, and a reader that is waited for in its lanes only.
   Nobody waits for it in the order ring: there are as many words as blocks in all lanes.

   word = lap*64 + lane*16 + place in the lane's sequence; the messages a word reveals are its lane + 1. */
// mirrors: core/include/millrace/core/order_ring.hpp OrderWriter::publish 718b50d38fca
// mirrors: core/include/millrace/core/order_ring.hpp OrderWriter::note_first 24d4820ba3d0
// mirrors: core/include/millrace/core/order_ring.hpp OrderRing::frontier 1174819ba21f
// mirrors: core/include/millrace/core/order_ring.hpp OrderRing::before 4d4dd2e8e37c
// mirrors: core/include/millrace/core/lane_writer.hpp LaneWriter::show_unordered 82d50fe7f14d
//
// search: -DMAXCRASH=1
// full: -DMAXCRASH=2 -DRECOVERERS=1
// twin: -DTAGMOD=1
// twin: -DWORDS=1
// twin: -DNOTE
#ifndef WORDS
#define WORDS 2
#endif
#ifndef MSGS
#define MSGS 2
#endif
#ifndef MAXCRASH
#define MAXCRASH 1
#endif
#ifndef RECOVERERS
#define RECOVERERS 2
#endif
#define LANES 2
#define LCAP 2                  /* blocks of a lane; one of them is the next header, so one is in use */
#ifdef TAGMOD
#define LAP(k) ((((k)/WORDS) % TAGMOD)+1)
#else
#define LAP(k) ((k)/WORDS+1)
#endif
#define COUNT(word) (((word)%64)/16+1)

byte lanehdr[4];                /* LANES*LCAP: 0 unwritten, else its place in the lane + 1 */
short ord[WORDS];               /* the order ring */
byte first[WORDS];              /* messages before that word, at least */
byte hint = 0;
byte rpos = 0;                  /* the reader's ordinal */
byte lrel[LANES];               /* its released place in each lane */
bool dead[LANES]; bool owned[LANES];
byte crashes = 0; byte running = 0;
byte left[LANES];               /* publishes still to make in the lane */
byte skipped[LANES];            /* records that a dead publisher left unordered */
/* what is true, seen by the assertions only */
byte gtail = 0; byte gk[16]; byte gsum = 0;

#define CRASH if :: (crashes < MAXCRASH) -> atomic { crashes++; dead[l]=1; owned[l]=0; running--; goto Dead } :: skip fi

inline work() {
  do
  :: left[l] == 0 -> break
  :: left[l] > 0 ->
     (lp < lrel[l] + LCAP - 1);                         /* room in the lane: parks here */
     lanehdr[l*LCAP + ((lp+1)%LCAP)] = 0;
     CRASH; lanehdr[l*LCAP + (lp%LCAP)] = lp+1;         /* the record is whole in the lane */
     CRASH; t = hint;
     if                                                 /* OrderRing::checked */
     :: (t > 0 && ord[(t-1)%WORDS]/64 < LAP(t-1)) -> t = 0
     :: else -> skip
     fi;
     do
     :: atomic { (t > 0) -> e = ord[(t-1)%WORDS] };     /* messages_before */
        if
        :: (e/64 != LAP(t-1)) -> goto Next
        :: else -> sum = first[(t-1)%WORDS] + COUNT(e)
        fi;
        goto Look
     :: (t == 0) -> sum = 0;
Look:   e = ord[t%WORDS];
        if
        :: (e/64 == LAP(t)) -> goto Next
#ifndef TAGMOD
        :: (e/64 > LAP(t)) -> goto Next
        :: (e/64 < LAP(t)) ->
#else
        :: (e/64 != LAP(t)) ->
#endif
#ifndef NOTE
           atomic { if :: (first[t%WORDS] < sum) -> first[t%WORDS] = sum :: else -> skip fi };
#endif
           CRASH;
           if
           :: atomic { (ord[t%WORDS] == e) ->           /* the swap */
                assert(t == gtail);                     /* dense: no hole, nothing unread overwritten */
                assert(t < rpos + WORDS);
                assert(sum == gsum);                    /* the sequence that the publisher is told */
                ord[t%WORDS] = LAP(t)*64 + l*16 + lp; gk[t] = l*16+lp;
                gtail++; gsum = gsum + l + 1; left[l]-- } -> goto Placed
           :: atomic { (ord[t%WORDS] != e) -> skip }
           fi
        fi;
Next:   t = 0;                                          /* OrderRing::frontier */
        do
#ifndef TAGMOD
        :: atomic { (ord[t%WORDS]/64 >= LAP(t)) -> t = (ord[t%WORDS]/64-1)*WORDS + t%WORDS + 1 }
        :: (ord[t%WORDS]/64 < LAP(t)) -> break
#else
        :: atomic { (ord[t%WORDS]/64 == LAP(t) && t < 8) -> t++ }
        :: (ord[t%WORDS]/64 != LAP(t) || t >= 8) -> break
#endif
        od
     od;
Placed:
#ifdef NOTE
     CRASH; atomic { if :: (first[t%WORDS] < sum) -> first[t%WORDS] = sum :: else -> skip fi };
#endif
     CRASH; hint = t+1;
     lp++
  od
}

proctype Publisher(byte l) { byte t; short e; byte lp = 0; byte sum;
  work();
  atomic { dead[l]=1; owned[l]=0; left[l]=0; running-- }
Dead: skip }

/* Continues the lanes of dead publishers. Its checkpoint is where they ended, so that the reader, once
   it has read everything, no longer keeps what they left unordered (ordered_before). */
proctype Recoverer() { byte t; short e; byte lp; byte l; byte sum;
  do
  :: atomic { (dead[0] && !owned[0] && left[0]>0) -> owned[0]=1; dead[0]=0; l=0; running++ } ->
R:   lp = lrel[l];                                      /* find_frontier */
     do
     :: (lanehdr[l*LCAP+(lp%LCAP)] == lp+1) -> lp++
     :: else -> break
     od;
     skipped[l] = lp;
     work();
     atomic { dead[l]=1; owned[l]=0; left[l]=0; running-- }
  :: atomic { (dead[1] && !owned[1] && left[1]>0) -> owned[1]=1; dead[1]=0; l=1; running++ } -> goto R
  :: atomic { (running==0 && left[0]==0 && left[1]==0) -> break }
  od;
  goto End;
Dead: skip;
End: skip }

proctype Reader() { short e; byte l; byte lp; short last[LANES]; byte sum = 0; last[0]=-1; last[1]=-1;
  do
  :: (ord[rpos%WORDS]/64 == LAP(rpos)) -> e = ord[rpos%WORDS];
     l=(e%64)/16; lp=e%16;
     assert(gk[rpos] == e%64);                          /* what was published is what is read */
     assert(lanehdr[l*LCAP+(lp%LCAP)] == lp+1);         /* its record is whole */
     assert(lp > last[l]); last[l]=lp;                  /* each lane's own order, nothing twice */
     sum = sum + COUNT(e);
     atomic { lrel[l] = lp+1; rpos++ }
  :: atomic { (rpos == gtail && skipped[0] > lrel[0]) -> lrel[0] = skipped[0] }
  :: atomic { (rpos == gtail && skipped[1] > lrel[1]) -> lrel[1] = skipped[1] }
  :: atomic { (running==0 && left[0]==0 && left[1]==0 && rpos==gtail) -> break }
  od;
  assert(sum == gsum) }

init { atomic { left[0]=MSGS; left[1]=MSGS; owned[0]=1; owned[1]=1; running=2;
  run Publisher(0); run Publisher(1); run Recoverer();
#if RECOVERERS > 1
  run Recoverer();
#endif
  run Reader() } }
