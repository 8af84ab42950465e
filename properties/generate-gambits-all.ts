/** All gambits, in the order in which they are drawn by weight. */
import { GAMBITS, type Gambit } from './generate-gambits.ts';
import { ALIAS_GAMBITS } from './generate-gambits-alias.ts';
import { ALIKE_GAMBITS } from './generate-gambits-alike.ts';
import { ASLEEP_GAMBITS } from './generate-gambits-asleep.ts';
import { HOSTILE_GAMBITS } from './generate-gambits-hostile.ts';
import { MERGE_GAMBITS } from './generate-gambits-merge.ts';
import { PAGE_GAMBITS } from './generate-gambits-pages.ts';
import { PMAP_GAMBITS } from './generate-gambits-pmap.ts';
import { RIGHTS_GAMBITS } from './generate-gambits-rights.ts';
import { SLEEP_GAMBITS } from './generate-gambits-sleep.ts';
import { SUBMAP_GAMBITS } from './generate-gambits-submap.ts';

/** What a generator may begin; which of them fit is decided by the operations at hand and by the mix. */
export const ALL_GAMBITS: readonly Gambit[] = [
  ...GAMBITS,
  ...RIGHTS_GAMBITS,
  ...MERGE_GAMBITS,
  ...PAGE_GAMBITS,
  ...SLEEP_GAMBITS,
  ...ASLEEP_GAMBITS,
  ...SUBMAP_GAMBITS,
  ...PMAP_GAMBITS,
  ...ALIKE_GAMBITS,
  ...HOSTILE_GAMBITS,
  ...ALIAS_GAMBITS,
];
