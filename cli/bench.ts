/** `vmlockstep bench`: how fast the lockstep, the allocation workloads and page tables are on this machine. */
import { benchLockstep } from '../bench/lockstep-bench.ts';
import { benchPageTables } from '../bench/page-tables.ts';
import { RECORDED_RUNS, runWorkload } from '../bench/workloads.ts';
import { table } from '../report/tables.ts';

const rounded = (value: number): string => Math.round(value).toLocaleString('en-US');

const nanoseconds = (): number => Number(process.hrtime.bigint());

/** Runs the verb; returns the exit status: 1 where a workload's checksum is wrong. */
export function benchCommand(
  options: { readonly json?: boolean },
  out: { line(text: string): void; lines(texts: readonly string[]): void; progress(text: string): void },
): number {
  const lockstep = benchLockstep((text) => out.progress(text));
  const workloads = RECORDED_RUNS.map((recorded) => {
    out.progress(`workload ${recorded.workload}, n = ${recorded.n}`);
    return { recorded, measured: runWorkload(recorded.workload, recorded, nanoseconds) };
  });
  const pageTables = benchPageTables(nanoseconds, (text) => out.progress(text));
  const wrong = workloads.filter(({ recorded, measured }) => recorded.checksum !== measured.checksum);
  if (options.json === true) {
    out.line(JSON.stringify({ lockstep, workloads, pageTables }, null, 2));
    return wrong.length === 0 ? 0 : 1;
  }
  const numeric = (heading: string) => ({ heading, align: 'right' as const });
  out.lines(
    table(
      [
        { heading: 'operations per second, one core' },
        numeric('median'),
        numeric('least'),
        numeric('most'),
        numeric('ratio'),
      ],
      lockstep.map(({ arm, median, least, most, ratio }) => [
        arm,
        rounded(median),
        rounded(least),
        rounded(most),
        ratio.toFixed(2),
      ]),
    ),
  );
  out.line('');
  out.lines(
    table(
      [
        { heading: 'workload' },
        numeric('n'),
        numeric('ns per step'),
        numeric('original C, elsewhere'),
        { heading: 'checksum' },
      ],
      workloads.map(({ recorded, measured }) => [
        recorded.workload,
        rounded(recorded.n),
        rounded(measured.nanosecondsPerStep),
        rounded(recorded.originalNanosecondsPerStep),
        recorded.checksum === measured.checksum ? 'equal' : `differs: ${measured.checksum}`,
      ]),
    ),
  );
  out.line('');
  out.lines(
    table(
      [{ heading: 'page tables' }, numeric('n'), numeric('ns'), numeric('ns for each')],
      pageTables.map(({ what, n, nanoseconds: time, each }) => [
        what,
        rounded(n),
        rounded(time),
        each === null ? '' : each.toFixed(1),
      ]),
    ),
  );
  return wrong.length === 0 ? 0 : 1;
}
