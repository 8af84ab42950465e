/** What shrinking came to, in lines below the program. */
import { type Certificate, certificateLine } from '../properties/shrink.ts';
import type { FailureSignature } from '../properties/signature.ts';
import { counted } from './tables.ts';

/** What there is to tell. */
export interface ShrinkTale {
  readonly certificate: Certificate;
  /** Signatures of the failure as found and as shrunk. */
  readonly found: FailureSignature | null;
  readonly shrunk: FailureSignature | null;
  /** Failures of other sorts that were met, and where they are kept; null where they are not. */
  readonly others: readonly { readonly signature: FailureSignature | null; readonly path: string | null }[];
}

/** Why nothing is certified of what was shrunk up to Ctrl-C. */
export const INTERRUPTED = 'it was interrupted';

/** How long a failing scenario was and is. `flaky`: nothing follows from what fails on such a kernel only now and then. */
export function lengthWords({
  found,
  shrunk,
  flaky,
}: {
  readonly found: number;
  readonly shrunk: number;
  readonly flaky: boolean;
}): string {
  const now = counted(shrunk, 'operation');
  if (flaky) return `${counted(found, 'operation')} as found, ${shrunk} here; the kernel is flaky`;
  return shrunk < found ? `shrunk from ${found} to ${now}` : now;
}

/** A signature in words. */
export function signatureWords(signature: FailureSignature | null): string {
  if (signature === null) return 'no failure';
  const { property, operation, field } = signature;
  return `${property} ${operation === null ? 'at boot' : `after ${operation}`}${field === null ? '' : ` (${field})`}`;
}

const isSame = (one: FailureSignature | null, other: FailureSignature | null): boolean =>
  signatureWords(one) === signatureWords(other) && one?.side === other?.side;

/** The certificate, what became of the signature, and what else was met. */
export function shrinkLines({ certificate, found, shrunk, others }: ShrinkTale): string[] {
  return [
    certificateLine(certificate),
    ...(isSame(found, shrunk)
      ? []
      : [`signature changed: found as ${signatureWords(found)}, now ${signatureWords(shrunk)}`]),
    ...others.map(
      ({ signature, path }) =>
        `another failure, not shrunk: ${signatureWords(signature)}${path === null ? '' : `, stored in ${path}`}`,
    ),
  ];
}
