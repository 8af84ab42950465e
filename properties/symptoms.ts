/**
 * What a failure shows, and when two failures are taken for the same one while shrinking.
 *
 * A signature (signature.ts) is the one line that a stored scenario is held to: property, operation, field. It is too
 * narrow to shrink by. The property is only the loudest of what is wrong at the failing step: one fault of unwiring
 * shows as INV-WIRE-COUNT after vm_map_pageable and as INV-PAGE-COUNTERS after kmem_free, and `counters.wired` is wrong
 * in both; and a stand-in for an operation changes the signature's operation by its nature. Measured over the faulty
 * kernels, seeds of one fault differ in their signature more often than not. So a simpler scenario counts as failing
 * alike when it shares a symptom with the failure that was found: the same broken invariant, or the same wrong field.
 * What the reference breaks too is another failure than what the candidate breaks alone: a candidate for a simpler scenario
 * may break an obligation that generated ones keep.
 * All are compared with the failure as found, never with the last step of the shrinking, so that nothing drifts.
 */
import { MODEL_AGREEMENT } from './invariants/catalogue.ts';
import { REFERENCE_TOO } from './lockstep-judge.ts';
import { fieldOf, sameSignature, signatureOf } from './signature.ts';
import type { Difference, Failure, LockstepReport } from './verdict.ts';

/** The symptoms of one failure, each a word of its own, side included. */
export type Symptoms = ReadonlySet<string>;

/** The first word of a printed outcome or of a part of one; `value` for an address or a count. */
const plain = (text: string): string => (/^[A-Za-z_]+/.exec(text)?.[0] ?? 'value').toLowerCase();

/** Answers by which an operation refuses: no room, a kern_return_t other than success, an obligation of the caller. */
const REFUSAL = /^(none|kern_(?!success)|rejected)/;
/** What is no answer to an operation at all. */
const ASTRAY = /^(panic|threw|hung)/;

/**
 * Of a wrong outcome what was answered for what, without addresses; of anything else the field. Where a refusal is due
 * that does not come, it is one thing whether the operation goes through, sleeps on the way or is refused for another reason:
 * a check that is missing shows as each of these.
 */
function wordOf({ path, expected, actual }: Difference): string {
  const field = fieldOf(path);
  if (!field.startsWith('outcome')) return field;
  const [due, given] = [plain(expected), plain(actual)];
  if (REFUSAL.test(due) && !ASTRAY.test(given)) return 'outcome: not the refusal that is due';
  return `${field}: ${due} for ${given}`;
}

/** True where the reference fails too: that tells of a claim or of the contract, and nothing of the candidate. */
export const isOfBoth = ({ witnesses }: Failure): boolean => witnesses.includes(REFERENCE_TOO);

/** What a run's failure shows; empty where nothing failed. */
export function symptomsOf({ failure }: LockstepReport): Symptoms {
  if (failure === null) return new Set();
  const { property, differences } = failure;
  const side = isOfBoth(failure) ? 'both' : failure.side;
  const words = differences.map(wordOf);
  // That the kernels disagree says nothing; in what they disagree does.
  if (property !== MODEL_AGREEMENT.id || words.length === 0) words.push(property);
  return new Set(words.map((word) => `${side}: ${word}`));
}

/** What a simpler scenario must have in common with the failure found: its whole signature, or one symptom. */
export type Alikeness = 'signature' | 'symptom';

/** Tells of a run whether it fails as another did. */
export type Likeness = (report: LockstepReport) => boolean;

/** What it takes to fail as `found` did. */
export function likenessTo(found: LockstepReport, alikeness: Alikeness): Likeness {
  if (alikeness === 'signature') {
    const signature = signatureOf(found);
    const ofBoth = found.failure !== null && isOfBoth(found.failure);
    return (report) => {
      const other = signatureOf(report);
      if (signature === null || other === null || !sameSignature(signature, other)) return false;
      return report.failure !== null && isOfBoth(report.failure) === ofBoth;
    };
  }
  const symptoms = symptomsOf(found);
  return (report) => {
    for (const symptom of symptomsOf(report)) if (symptoms.has(symptom)) return true;
    return false;
  };
}
