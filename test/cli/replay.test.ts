import { describe, expect, test } from 'vitest';
import { scenarioText } from '../../cli/scenario-file.ts';
import { address, bytes } from '../../contract/address.ts';
import type { Scenario } from '../../contract/scenario.ts';
import { machine } from '../report/failing-report.ts';
import { directoryWith, filesIn, vmlockstep } from './command.ts';

const start = 0xfe00_2000;
const scenario: Scenario = {
  machine: { ...machine, scratchPages: 0, deviceFrames: 0 },
  operations: [
    { kind: 'kmem_alloc', map: 'kernel', size: bytes(8192) },
    { kind: 'kmem_free', map: 'kernel', address: address(start + 4096), size: bytes(4096) },
  ],
};
const text = scenarioText({ scenario });

describe('replay', () => {
  test('prints the numbered program with its results', async () => {
    const { status, stdout } = await vmlockstep(directoryWith({ 's.scn.json': text }), [
      'replay',
      's.scn.json',
    ]);
    expect(status).toBe(0);
    expect(`\n${stdout}`).toMatchInlineSnapshot(`
      "
        machine: 16 frames, kernel map [0xfe000000, 0xfe040000), boot entry to 0xfe002000, 32 entries, 4 maps, kmemObjectSize 0x20000
        1  a = kmem_alloc(kernel, 0x2000)         → 0xfe002000
        2  kmem_free(kernel, a + 0x1000, 0x1000)  → done
      held by kernel optimized
      1 passed, 0 failed, 0 skipped
      "
    `);
  });

  test('reads standard input and draws what is asked for after each step', async () => {
    const { status, stdout } = await vmlockstep(directoryWith(), ['replay', '-', '--show', 'maps,pmap'], {
      input: text,
    });
    expect(status).toBe(0);
    expect(`\n${stdout}`).toMatchInlineSnapshot(`
      "
        machine: 16 frames, kernel map [0xfe000000, 0xfe040000), boot entry to 0xfe002000, 32 entries, 4 maps, kmemObjectSize 0x20000

        at boot (the state of the reference model)
            map kernel [0xfe000000, 0xfe040000): 2 pages, 1 entry, 1 reference
              |AA..............................................................|
                 start       end         pages  backing  offset      prot  max  inherit  wired
              A  0xfe000000  0xfe002000      2  null     0x00000000  rwx   rwx  COPY         0
                 0xfe002000  0xfe040000     62  (free)
            pmap kernel: 1 reference, 0 resident, 0 wired

        1  a = kmem_alloc(kernel, 0x2000)         → 0xfe002000
            map kernel [0xfe000000, 0xfe040000): 4 pages, 2 entries, 1 reference
              |AABB............................................................|
                 start       end         pages  backing  offset      prot  max  inherit  wired
              A  0xfe000000  0xfe002000      2  null     0x00000000  rwx   rwx  COPY         0
              B  0xfe002000  0xfe004000      2  kernel   0x00002000  rwx   rwx  COPY         1
                 0xfe004000  0xfe040000     60  (free)
            pmap kernel: 1 reference, 2 resident, 2 wired
              address     frame  rights  wired  bits
              0xfe002000      0  rw      W      --
              0xfe003000      1  rw      W      --

        2  kmem_free(kernel, a + 0x1000, 0x1000)  → done
            map kernel [0xfe000000, 0xfe040000): 3 pages, 2 entries, 1 reference
              |AAB.............................................................|
                 start       end         pages  backing  offset      prot  max  inherit  wired
              A  0xfe000000  0xfe002000      2  null     0x00000000  rwx   rwx  COPY         0
              B  0xfe002000  0xfe003000      1  kernel   0x00002000  rwx   rwx  COPY         1
                 0xfe003000  0xfe040000     61  (free)
            pmap kernel: 1 reference, 1 resident, 1 wired
              address     frame  rights  wired  bits
              0xfe002000      0  rw      W      --

      held by kernel optimized
      1 passed, 0 failed, 0 skipped
      "
    `);
  });

  test.each([
    {
      name: 'a truncated file',
      content: text.slice(0, -30),
      says: /s\.scn\.json: is not JSON \(.*\); the file may be cut short/,
    },
    { name: 'garbage', content: 'garbage', says: /s\.scn\.json: is not JSON/ },
    {
      name: 'an unknown operation',
      content: text.replace('kmem_alloc', 'kmem_allok'),
      says: /operations\[0\]\.kind: unknown operation "kmem_allok"; did you mean 'kmem_alloc'\?/,
    },
    {
      name: 'a missing file',
      content: null,
      says: /s\.scn\.json: cannot be read: there is no such file; give /,
    },
  ])('$name is refused in one line and left as it is', async ({ content, says }) => {
    const directory = directoryWith(content === null ? {} : { 's.scn.json': content });
    const before = filesIn(directory);
    const { status, stdout, stderr } = await vmlockstep(directory, ['replay', 's.scn.json']);
    expect(stderr).toMatch(says);
    expect(stderr).toMatch(/^error: s\.scn\.json: [^\n]+\n$/);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(filesIn(directory)).toEqual(before);
  });
});
