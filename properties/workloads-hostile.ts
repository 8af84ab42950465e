/** Gambits that only callers who break promises begin, as far as the hostile mix prefers them. */
export const HOSTILE_FAVOURS: readonly string[] = [
  'aliased-pages',
  'detached-submap',
  'boot-entry',
  'anonymous-at-offset',
  'moved-submap',
  'resident-nowait',
  'resident-rollback',
  'same-rights-again',
  'freed-while-wired',
  'submap-gone-while-asleep',
  'same-page-twice',
];
