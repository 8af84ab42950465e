/**
 * `npm run guard-check`: tries `guard` on changes to our own kernel of which it is known what they are. Slips must be found,
 * as short as an exhaustive search finds them; changes of structure classed as such; refactorings not told of; a twofold
 * slowdown flagged, and none where there is none. Names of changes as arguments limit it to these.
 */
import type { KernelModule } from '../contract/kernel-memory.ts';
import { FAULTY_KERNELS } from '../faults/kernels.ts';
import { loadFaultyKernel } from '../faults/load.ts';
import type { FaultPatch } from '../faults/patch.ts';
import { REFACTORINGS } from '../faults/refactorings.ts';
import { SLIPS, STRUCTURAL_CHANGES } from '../faults/slips.ts';
import { referenceKernel } from '../model/reference-kernel.ts';
import { exploreLevels } from '../properties/explore.ts';
import { tinyMachine } from '../properties/explore-machine.ts';
import { type GuardFinding, runGuard } from '../properties/guard.ts';
import { type Compared, GuardJudge } from '../properties/guard-judge.ts';
import { DEFAULT_CORPUS } from './corpus-files.ts';
import { FlightRecorder, sharedRecord } from './flight-recorder.ts';
import { packageTraces } from './golden.ts';
import { corpusScenarios, traceScenarios } from './guard-sources.ts';
import { compareSpeed, type SpeedResult } from './guard-speed.ts';

const SEED = 1994;
const RUNS = 1000;
/** Operations of scenarios up to which everything that is shorter is tried with every operation at every place. */
const DEEPEST_FULL = 2;
/** States that the yardstick goes on from at most. */
const MOST_STATES = 1000;
const EQUAL_RUNS = 10;

/** These differ from the kernel in structure alone (the entry pool, the order of a queue, pm_stats): no caller can tell. */
const STRUCTURAL_FAULTS = ['simplify-keeps-pool-entry', 'free-to-the-head', 'kenter-not-counted-wired'];

const chosen = process.argv.slice(2);
const isChosen = ({ name }: { readonly name: string }): boolean =>
  chosen.length === 0 || chosen.includes(name);

const base = loadFaultyKernel(null);
const given = [
  ...corpusScenarios({ path: DEFAULT_CORPUS, given: true }),
  ...traceScenarios(packageTraces(), new Set(base.declares.operations)).given,
];

let failed = 0;
let passed = 0;
function tell(isRight: boolean, text: string): void {
  if (isRight) passed += 1;
  else failed += 1;
  process.stdout.write(`${isRight ? 'ok    ' : 'FAILED'} ${text}\n`);
}

const compared = (patch: FaultPatch): Compared => ({
  model: referenceKernel,
  base,
  working: loadFaultyKernel(patch),
});

const guarded = (patch: FaultPatch): readonly GuardFinding[] =>
  runGuard({ ...compared(patch), given, seed: SEED, runs: RUNS }).findings;

const lengthOf = ({ report }: GuardFinding): number => report.scenario.operations.length;

/** The shortest difference that an exhaustive search finds below a length; null where it finds none. */
function shorterThan(
  length: number,
  patch: FaultPatch,
): { readonly found: number | null; readonly complete: boolean } {
  const judge = new GuardJudge(compared(patch));
  const tiny = { frames: 4, entries: 6, maps: 2, largest: 3 };
  const searches = [
    { alphabet: 'core', scratch: false, depth: length - 1 },
    { alphabet: 'full', scratch: true, depth: Math.min(DEEPEST_FULL, length - 1) },
  ] as const;
  const results = searches.map(({ alphabet, scratch, depth }) =>
    exploreLevels({
      ...judge.sides('meaning'),
      invariants: [],
      machine: tinyMachine({ ...tiny, scratch }),
      vocabulary: { alphabet, sizes: [0, 1, 2, 3], maps: 2 },
      depth,
      mostStates: MOST_STATES,
    }),
  );
  // The root is looked at whatever the depth: a difference at boot has nothing that is shorter.
  const found = results
    .flatMap(({ failure }) => failure?.scenario.operations.length ?? [])
    .filter((operations) => operations < length);
  return {
    found: found.length === 0 ? null : Math.min(...found),
    complete: results.every(({ complete }) => complete),
  };
}

let minimal = 0;
let slips = 0;
const faults = FAULTY_KERNELS.filter(({ name }) => !STRUCTURAL_FAULTS.includes(name));
for (const patch of [...SLIPS, ...faults].filter(isChosen)) {
  slips += 1;
  const finding = guarded(patch).find(({ kind }) => kind === 'meaning');
  if (finding === undefined) {
    tell(false, `slip ${patch.name}: not found`);
    continue;
  }
  const length = lengthOf(finding);
  const { found, complete } = shorterThan(length, patch);
  if (found === null) minimal += 1;
  const word = found !== null ? `but ${found} are enough` : complete ? 'minimal' : 'nothing shorter found';
  tell(
    true,
    `slip ${patch.name}: ${length} operations, ${word}${finding.doubt === null ? '' : ` (${finding.doubt})`}`,
  );
}
if (slips > 0) tell(minimal >= 0.9 * slips, `${minimal} of ${slips} slips with nothing shorter`);

const structural = FAULTY_KERNELS.filter(({ name }) => STRUCTURAL_FAULTS.includes(name));
for (const patch of [...STRUCTURAL_CHANGES, ...structural].filter(isChosen)) {
  const findings = guarded(patch);
  const kinds = findings.map(({ kind }) => kind).join(' and ');
  tell(
    kinds === 'structure',
    `structure ${patch.name}: ${kinds}, ${findings.map(lengthOf).join(' and ')} operations`,
  );
}

for (const patch of REFACTORINGS.filter(isChosen)) {
  const findings = guarded(patch);
  tell(findings.length === 0, `refactoring ${patch.name}: ${findings.length} differences`);
}

/** The kernel with one operation that takes twice its time. */
const slowed = (slow: string): KernelModule => ({
  declares: base.declares,
  boot: (machine) => {
    const kernel = base.boot(machine);
    return {
      apply: (operation, number) => {
        const begun = performance.now();
        const step = kernel.apply(operation, number);
        const taken = performance.now() - begun;
        if (operation.kind === slow) while (performance.now() - begun < 2 * taken);
        return step;
      },
    };
  },
});

function speedOf(working: KernelModule): SpeedResult {
  const recorder = new FlightRecorder(sharedRecord());
  const scenarios = given.map(({ scenario }) => scenario);
  return compareSpeed(base, working, { scenarios, recorder, onProgress: () => undefined });
}

for (const name of ['kmem_free', 'kmem_alloc', 'vm_map_protect'].filter((each) => isChosen({ name: each }))) {
  const { slower } = speedOf(slowed(name));
  tell(slower.includes(name), `twofold ${name}: slower are ${slower.join(', ')}`);
}
for (let run = 1; run <= EQUAL_RUNS && isChosen({ name: 'equal' }); run++) {
  const { slower } = speedOf(loadFaultyKernel(null));
  tell(slower.length === 0, `equal kernels, run ${run}: ${slower.join(', ') || 'none'} slower`);
}

process.stdout.write(`${passed} passed, ${failed} failed, 0 skipped\n`);
process.exitCode = failed === 0 ? 0 : 1;
