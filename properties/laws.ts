/**
 * Laws: claims about what a kernel does to a state that need operations of their own to be judged.
 * Unlike an invariant, a law is tried on the state that some prefix of operations leads to.
 */

import {
  allocateThenFreeRestores,
  failedNowaitRollsBack,
  zeroSizeChangesNothing,
} from './laws/allocation.ts';
import { protectTwiceIsOnce, queriesChangeNothing, unwireUndoesWire } from './laws/attributes.ts';
import { freeAllReturnsToBoot } from './laws/free-all.ts';
import type { Law } from './laws/law.ts';
import { replayIsEqual } from './laws/replay.ts';
import { evictionsChangeNothing } from './laws/translations.ts';

export type { Law };

/** All laws. */
export const LAWS: readonly Law[] = [
  allocateThenFreeRestores,
  freeAllReturnsToBoot,
  zeroSizeChangesNothing,
  failedNowaitRollsBack,
  protectTwiceIsOnce,
  unwireUndoesWire,
  queriesChangeNothing,
  replayIsEqual,
  evictionsChangeNothing,
];
