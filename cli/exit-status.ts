/** Documented exit statuses. With several reasons the first of internal, kernel, failed, gate wins. */
export const EXIT = {
  passed: 0,
  /** A property failed. */
  failed: 1,
  /** Bad usage or bad input. */
  usage: 2,
  /** Nothing failed, but the run did not exercise what it promises. */
  gate: 3,
  /** An outside kernel could not be run. */
  kernel: 4,
  /** A bug of vmlockstep itself. */
  internal: 70,
  interrupted: 130,
} as const;

/** One of the documented statuses. */
export type ExitStatus = (typeof EXIT)[keyof typeof EXIT];
