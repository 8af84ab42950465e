/** Bad input from outside: not our bug, and not a kernel's outcome. */

/**
 * Thrown where input is read. The message is the one line a user sees: the place (file and path in it, or flag),
 * what is wrong, and the mend.
 */
export class InputError extends Error {
  override readonly name = 'InputError';
  /** Documented exit status: 2 for usage and files, 4 for a kernel that cannot be run. */
  readonly exitStatus: 2 | 4;

  constructor(message: string, exitStatus: 2 | 4 = 2) {
    super(message);
    this.exitStatus = exitStatus;
  }
}
