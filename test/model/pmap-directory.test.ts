import { describe, expect, test } from 'vitest';
import { address, pages } from '../../contract/address.ts';
import type { Operation } from '../../contract/operation.ts';
import { alloc, at, free, insert, resume, unwire, write } from './bench-machine.ts';
import { cpuRead, cpuWrite, create, done, onPmap, rejected, scratch, shown } from './bench-pmap.ts';

describe('the page of a live directory', () => {
  const covering = (kind: 'vm_map_remove' | 'vm_map_delete', map = 'kernel'): Operation => ({
    kind,
    map,
    start: at(7),
    end: at(10),
  });

  test('is freed by nobody, who then does nothing at all', () => {
    const machine = scratch();
    const { run, step, last } = machine;
    run(create('a'));
    run({ kind: 'kmem_alloc_wait', map: 'kernel', size: pages(60) });
    const before = shown(machine);
    const wakeup: Operation = { kind: 'kmem_free_wakeup', map: 'kernel', address: at(7), size: pages(2) };
    const refusal = { outcome: rejected('PMAP-REL-1') };
    for (const operation of [free(8, 1), wakeup, covering('vm_map_remove'), covering('vm_map_delete')])
      expect([operation.kind, step(operation)]).toEqual([operation.kind, refusal]);
    expect(shown(machine)).toEqual(before);
    expect(run(resume(last()))).toEqual(rejected('SCHED-2'));
    expect(run(free(9, 1))).toEqual(done);
    run(onPmap('pmap_release', 'a'));
    expect(run(covering('vm_map_delete'))).toEqual({ kind: 'kern', code: 0 });
  });

  test('nor through another entry of its object, however that came about', () => {
    const machine = scratch();
    const { run } = machine;
    run(create('a'));
    run(insert(20, 22, 'kernel', 'kernel', pages(7)));
    run({ kind: 'vm_map_create', name: 'm', min: at(7), max: at(30), pageable: true });
    run(insert(7, 9, 'kernel', 'm', pages(7)));
    const before = shown(machine);
    expect(run(free(21, 1))).toEqual(rejected('PMAP-REL-1'));
    expect(run(covering('vm_map_remove', 'm'))).toEqual(rejected('PMAP-REL-1'));
    expect(run({ kind: 'vm_map_deallocate', map: 'm' })).toEqual(rejected('PMAP-REL-1'));
    expect(shown(machine)).toEqual(before);
    expect(run(free(20, 1))).toEqual(done);
    run(onPmap('pmap_release', 'a'));
    expect(run({ kind: 'vm_map_deallocate', map: 'm' })).toEqual(done);
  });

  test('what refuses the deletion anyway comes first', () => {
    const { run } = scratch();
    run(create('a'));
    const odd: Operation = { kind: 'vm_map_remove', map: 'kernel', start: address(at(8) + 1), end: at(9) };
    expect(run(odd)).toEqual({ kind: 'kern', code: 4 });
    run({ kind: 'kmem_suballoc', name: 'sub', parent: 'kernel', size: pages(2), pageable: false });
    expect(run({ kind: 'vm_map_remove', map: 'kernel', start: at(8), end: at(10) })).toEqual({
      kind: 'kern',
      code: 4,
    });
  });

  test('may be read, which means nothing, and is not written to', () => {
    const machine = scratch();
    const { run, kernel } = machine;
    run(alloc(1));
    run(create('a'));
    expect(run(cpuRead(at(9), 2))).toMatchObject({ kind: 'bytes', tableBytes: [0, 1] });
    const [, directory] = kernel.snapshot({ contents: true }).objects[0]?.pages ?? [];
    expect(directory).toMatchObject({ frame: 3, undefinedContents: true });
    const before = shown(machine);
    expect(run(cpuWrite(at(9), [1]))).toEqual(rejected('PMAP-PINIT-1'));
    expect(run(write(9, 1))).toEqual(rejected('PMAP-PINIT-1'));
    expect(shown(machine)).toEqual(before);
    expect(run(cpuWrite(at(9) - 1, [7, 8]))).toEqual(rejected('PMAP-PINIT-1'));
    expect(run(cpuRead(at(9) - 1, 2))).toMatchObject({ bytes: [0, expect.any(Number)], tableBytes: [1] });
    run(onPmap('pmap_release', 'a'));
    run(alloc(1));
    expect(run(cpuWrite(at(9), [1]))).toEqual(done);
  });

  test('stays meaningless when another allocation finds it resident and fills it', () => {
    const { run } = scratch();
    run(create('a'));
    run({ kind: 'vm_map_create', name: 'm', min: at(8), max: at(9), pageable: true });
    expect(run(alloc(1, 'm'))).toEqual({ kind: 'address', address: at(8) });
    expect(run(cpuRead(at(8), 1))).toMatchObject({ tableBytes: [0] });
    expect(run(free(8, 1, 'm'))).toEqual(rejected('PMAP-REL-1'));
    expect(run(unwire(8, 9, 'm'))).toEqual({ kind: 'kern', code: 0 });
  });
});
