/** What a thread leaves behind that hung or died becomes a failure that can be printed, stored and replayed. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CALL, FlightRecorder, sharedRecord } from '../../cli/flight-recorder.ts';
import { FlightTape, tapeFile } from '../../cli/flight-tape.ts';
import { type Settled, settled } from '../../cli/job-end.ts';
import { readScenario } from '../../cli/scenario-file.ts';
import { failureLines } from '../../report/failure.ts';
import { directoryWith, filesIn } from './command.ts';
import { scenario } from './kernel-text.ts';

const optimized = { kernel: null, declares: null, timeout: 500 };

/** A recorder as it stands when the last operation of the scenario does not return. */
function recorderInFlight(tape: FlightTape | null = null): FlightRecorder {
  const recorder = new FlightRecorder(sharedRecord(), tape);
  recorder.begins(7, { chunk: 0, operations: 300 });
  recorder.boots(scenario.machine);
  scenario.operations.forEach((operation, i) => {
    recorder.applies(operation, i + 1);
    recorder.enter(CALL.apply);
    if (i + 1 < scenario.operations.length) recorder.leave();
  });
  return recorder;
}

const programOf = (result: Settled): string => {
  if (result.kind !== 'fault') throw new Error(`a fault was expected, not ${result.kind}`);
  return failureLines(result.fault.report, { origin: 'o', again: null, stored: 's', replay: null }).join(
    '\n',
  );
};

describe('of the optimized kernel', () => {
  test('a hang is the program up to the operation that does not return', () => {
    const recorder = recorderInFlight();
    const end = settled({ kind: 'hung', sighting: recorder.sighting(), recorder }, optimized);
    expect(end).toMatchObject({
      kind: 'fault',
      fault: { scenarios: 7, operations: 300, report: { scenario } },
    });
    expect(programOf(end)).toMatch(/^FAILED KERNEL-HUNG after operation 2$/m);
    expect(programOf(end)).toMatch(
      /^ {4}1 {2}pagedaemon\(\) +→ done\n {2}> 2 {2}kmem_free\(kernel, \S+, 0x1000\)$/m,
    );
    expect(programOf(end)).toContain('the optimized kernel: operation 2 (kmem_free): no answer within 0.5 s');
  });

  test('a death has a name of its own', () => {
    const end = settled({ kind: 'died', reason: 'out of memory', recorder: recorderInFlight() }, optimized);
    expect(programOf(end)).toMatch(/^FAILED KERNEL-DIED after operation 2$/m);
    expect(programOf(end)).toContain('operation 2 (kmem_free): out of memory');
  });
});

test('a thread that dies outside of the kernel is our bug', () => {
  const recorder = new FlightRecorder(sharedRecord());
  expect(() => settled({ kind: 'died', reason: 'why', recorder }, optimized)).toThrow(
    'the runner thread died: why',
  );
});

test('the tape is a whole scenario after every operation, and gone when it is removed', () => {
  const directory = directoryWith();
  const tape = tapeFile(join(directory, 'out'), 7);
  const recorder = recorderInFlight(new FlightTape(tape.path));
  expect(readScenario(tape.path)).toEqual({ scenario });
  recorder.boots(scenario.machine);
  expect(readScenario(tape.path).scenario.operations).toEqual([]);
  recorder.applies({ kind: 'pagedaemon' }, 1);
  expect(readScenario(tape.path).scenario.operations).toEqual([{ kind: 'pagedaemon' }]);
  tape.remove();
  expect(filesIn(directory)).toEqual({});
});
