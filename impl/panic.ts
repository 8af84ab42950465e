/**
 * Kernel panic inside this implementation. C's panic() does not return, so here it is thrown; only `apply` catches it,
 * and only this class. Every other exception is a bug and passes through.
 */

export class KernelPanic {
  /** Exact text of the panic (SPEC §12). */
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}
