/** Between the words of golden traces and those of the contract (TRACES §2, §4). */
import { address, bytes, objectOffset } from '../contract/address.ts';
import { type MachineConfig, TRACE_KMEM_OBJECT_SIZE } from '../contract/machine.ts';
import type { Operation } from '../contract/operation.ts';
import type { Outcome } from '../contract/outcome.ts';
import type { TraceConfig, TraceOperation, TraceResult } from './trace-schema.ts';

/** The machine that recorded a trace: no device frames, no page-out thresholds, nothing reserved. */
export function machineOf(config: TraceConfig): MachineConfig {
  return {
    managedPages: config.npages,
    deviceFrames: 0,
    kernelMin: address(config.vmin),
    kernelStart: address(config.start),
    kernelMax: address(config.end),
    mapEntries: config.kentries,
    staticMaps: 10,
    kmemObjectSize: bytes(TRACE_KMEM_OBJECT_SIZE),
    freeMin: 0,
    freeTarget: 0,
    inactiveTarget: 0,
    reserved: [],
    scratchPages: 0,
    scratchWindow: null,
  };
}

/** The operation a trace line calls; undefined for `dump`, which calls nothing, and for `copy` (stage wider). */
export function operationOf(line: TraceOperation): Operation | undefined {
  switch (line.op) {
    case 'suballoc':
    case 'alloc':
    case 'alloc_pageable':
    case 'malloc':
    case 'alloc_wait':
    case 'free':
    case 'free_wakeup':
      return kernOperation(line);
    case 'fault': {
      const [map, va, protection] = line.args;
      return { kind: 'vm_fault', map, address: address(va), protection };
    }
    case 'read': {
      const [map, va] = line.args;
      return { kind: 'checked_read', map, address: address(va) };
    }
    case 'write': {
      const [map, va, byte] = line.args;
      return { kind: 'checked_write', map, address: address(va), byte };
    }
    case 'deactivate': {
      const [map, va] = line.args;
      return { kind: 'vm_page_deactivate', map, address: address(va) };
    }
    case 'pagedaemon':
      return { kind: 'pagedaemon' };
    case 'resume':
      return { kind: 'resume', operation: line.args[0] };
    case 'dump':
    case 'copy':
      return undefined;
    default:
      return mapOperation(line);
  }
}

type Line<Op extends TraceOperation['op']> = Extract<TraceOperation, { op: Op }>;

function kernOperation(
  line: Line<'suballoc' | 'alloc' | 'alloc_pageable' | 'malloc' | 'alloc_wait' | 'free' | 'free_wakeup'>,
): Operation {
  switch (line.op) {
    case 'suballoc': {
      const [name, parent, size, pageable] = line.args;
      return { kind: 'kmem_suballoc', name, parent, size: bytes(size), pageable: pageable !== 0 };
    }
    case 'malloc': {
      const [map, size, canWait] = line.args;
      return { kind: 'kmem_malloc', map, size: bytes(size), canWait: canWait !== 0 };
    }
    case 'free':
    case 'free_wakeup': {
      const [map, at, size] = line.args;
      const kind = line.op === 'free' ? 'kmem_free' : 'kmem_free_wakeup';
      return { kind, map, address: address(at), size: bytes(size) };
    }
    default: {
      const [map, size] = line.args;
      return { kind: `kmem_${line.op}`, map, size: bytes(size) };
    }
  }
}

function mapOperation(
  line: Line<
    | 'wire'
    | 'unwire'
    | 'protect'
    | 'inherit'
    | 'insert'
    | 'remove'
    | 'findspace'
    | 'lookup'
    | 'simplify'
    | 'check'
  >,
): Operation {
  switch (line.op) {
    case 'wire':
    case 'unwire':
      return { kind: 'vm_map_pageable', ...range(line.args), pageable: line.op === 'unwire' };
    case 'remove':
      return { kind: 'vm_map_remove', ...range(line.args) };
    case 'protect': {
      const [map, start, end, protection, setMax] = line.args;
      return { kind: 'vm_map_protect', ...range([map, start, end]), protection, setMax: setMax !== 0 };
    }
    case 'inherit': {
      const [map, start, end, inheritance] = line.args;
      return { kind: 'vm_map_inherit', ...range([map, start, end]), inheritance };
    }
    case 'check': {
      const [map, start, end, protection] = line.args;
      return { kind: 'vm_map_check_protection', ...range([map, start, end]), protection };
    }
    case 'insert': {
      const [map, object, offset, start, end] = line.args;
      return { kind: 'vm_map_insert', ...range([map, start, end]), object, offset: objectOffset(offset) };
    }
    case 'findspace': {
      const [map, start, length] = line.args;
      return { kind: 'vm_map_findspace', map, start: address(start), length: bytes(length) };
    }
    case 'lookup': {
      const [map, va] = line.args;
      return { kind: 'vm_map_lookup_entry', map, address: address(va) };
    }
    case 'simplify': {
      const [map, start] = line.args;
      return { kind: 'vm_map_simplify', map, start: address(start) };
    }
  }
}

function range([map, start, end]: readonly [string, number, number]) {
  return { map, start: address(start), end: address(end) };
}

/** What a trace writes for `outcome` of `operation`; for a resumed operation pass that one, not the `resume`. */
export function resultOf(operation: Operation, outcome: Outcome): TraceResult {
  switch (outcome.kind) {
    case 'done':
      return { ok: true };
    case 'address':
      return operation.kind === 'vm_map_findspace'
        ? { rc: 0, addr: outcome.address }
        : { addr: outcome.address };
    case 'none':
      return operation.kind === 'vm_map_findspace' ? { rc: 1 } : { addr: 0 };
    case 'kern':
      return { kr: outcome.code };
    case 'submap':
      return { map: outcome.map, min: outcome.min, max: outcome.max };
    case 'entry':
      return { found: outcome.found, entry: outcome.start ?? 'header' };
    case 'flag':
      return operation.kind === 'vm_map_check_protection'
        ? { rc: outcome.value ? 1 : 0 }
        : { ok: outcome.value };
    case 'bytes':
      return { kr: 0, byte: outcome.bytes[0] ?? null };
    case 'sleep':
      return outcome.event === 'pages' ? { 'page-wait': true } : { sleep: outcome.event };
    case 'panic':
      return { panic: outcome.text };
    case 'rejected':
      return operation.kind === 'resume' ? { error: 'not runnable' } : { rejected: outcome.rule };
    case 'trap':
    case 'frame':
      return { unexpected: outcome.kind };
  }
}
