/** Keeps the scenarios in which two kernels differ, where git does not see them. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../contract/input-error.ts';
import type { GuardResult } from '../properties/guard.ts';
import { type GuardOptions, guardCommand } from './guard-options.ts';
import type { KeptFinding } from './guard-print.ts';
import { makeDirectory, unwritable } from './out-directory.ts';
import { outcomesOf } from './scenario-outcomes.ts';
import { storeScenario } from './scenario-store.ts';
import { version } from './version.ts';

/** Stores each of the findings; one that cannot be stored is told all the same. */
export const keptFindings = (result: GuardResult, options: GuardOptions): KeptFinding[] =>
  result.findings.map((finding) => {
    try {
      const { scenario } = finding.report;
      const { seed, base, out } = options;
      const outcomes = outcomesOf(scenario);
      makeUnseen(out);
      const path = storeScenario(out, `GUARD-${finding.kind}-${seed}`, {
        scenario,
        note: `differs in ${finding.kind} from base ${base}`,
        provenance: { seed, command: guardCommand(options), version: version(), path: null },
        ...(outcomes !== null && { outcomes }),
      });
      return { finding, path, fault: null };
    } catch (error) {
      if (error instanceof InputError) return { finding, path: null, fault: error.message };
      throw error;
    }
  });

/** A new directory tells git to look away, so that a comparison leaves the status of the repository as it was. */
export function makeUnseen(directory: string): void {
  if (existsSync(directory)) return;
  try {
    makeDirectory(directory);
    writeFileSync(join(directory, '.gitignore'), '*\n', { flag: 'wx' });
  } catch (error) {
    throw unwritable(directory, error);
  }
}
