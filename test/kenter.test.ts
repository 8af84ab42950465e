/** docs/kenter.md: what it shows is printed, and the failure that it tells is found and shrunk without a hint. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { faultKernelOrRefuse } from '../cli/fault-kernel.ts';
import { readScenario } from '../cli/scenario-file.ts';
import { referenceKernel } from '../model/reference-kernel.ts';
import { runCampaign } from '../properties/campaign.ts';
import { root } from './cli/command.ts';
import { expectShown, shownCommands } from './cli/shown.ts';

const shown = shownCommands(readFileSync(join(root, 'docs', 'kenter.md'), 'utf8'));
const replays = shown.filter(([command]) => command.startsWith('replay '));

test('there is something to show', () => expect([shown.length, replays.length]).toEqual([3, 2]));

test.each(replays)('%s', (command, lines) => expectShown(command, lines, ['docs']));

test('the campaign finds the story unaided and shrinks it to its three operations, certified', async () => {
  const candidate = await faultKernelOrRefuse('fault:kenter-as-in-2-1');
  const { failure } = runCampaign({
    reference: referenceKernel,
    candidate,
    seed: 1994,
    runs: 1,
    workload: 'default',
  });
  const { scenario } = readScenario(join(root, 'docs', 'kenter.scn.json'));
  expect(scenario.operations.map(({ kind }) => kind)).toEqual(['kmem_suballoc', 'kmem_malloc', 'kmem_free']);
  expect(failure?.shrunk.scenario).toEqual(scenario);
  expect(failure?.details?.certificate).toMatchObject({ minimal: true });
});
