/** A kernel that notes every call in the flight recorder and otherwise behaves as the one it wraps. */
import type { KernelMemory, KernelModule } from '../contract/kernel-memory.ts';
import { CALL, type FlightRecorder } from './flight-recorder.ts';

/** The same module under watch: a call that never returns can be told, with the operation it is about. */
export function watchedKernel(module: KernelModule, recorder: FlightRecorder): KernelModule {
  return {
    declares: module.declares,
    boot: (machine) => {
      recorder.boots(machine);
      recorder.enter(CALL.boot);
      try {
        return watchedMemory(module.boot(machine), recorder);
      } finally {
        recorder.leave();
      }
    },
  };
}

/**
 * Only what the kernel has is there: callers look for optional methods. Written out method by method, since a cell
 * is read several times for each operation and a shared wrapper would cost a closure each time.
 */
function watchedMemory(kernel: KernelMemory, recorder: FlightRecorder): KernelMemory {
  const { apply, snapshot, cell, touched, audit, pageTables, tlb, memoryImage } = boundMethods(kernel);
  const watched: Writable<KernelMemory> = {
    apply: (operation, number) => {
      recorder.applies(operation, number);
      recorder.enter(CALL.apply);
      try {
        return apply(operation, number);
      } finally {
        recorder.leave();
      }
    },
  };
  if (snapshot)
    watched.snapshot = (options) => {
      recorder.enter(CALL.snapshot);
      try {
        return snapshot(options);
      } finally {
        recorder.leave();
      }
    };
  if (cell)
    watched.cell = (name) => {
      recorder.enter(CALL.cell);
      try {
        return cell(name);
      } finally {
        recorder.leave();
      }
    };
  if (touched)
    watched.touched = () => {
      recorder.enter(CALL.touched);
      try {
        return touched();
      } finally {
        recorder.leave();
      }
    };
  if (audit)
    watched.audit = () => {
      recorder.enter(CALL.audit);
      try {
        return audit();
      } finally {
        recorder.leave();
      }
    };
  if (pageTables)
    watched.pageTables = () => {
      recorder.enter(CALL.pageTables);
      try {
        return pageTables();
      } finally {
        recorder.leave();
      }
    };
  if (tlb)
    watched.tlb = () => {
      recorder.enter(CALL.tlb);
      try {
        return tlb();
      } finally {
        recorder.leave();
      }
    };
  if (memoryImage)
    watched.memoryImage = () => {
      recorder.enter(CALL.memoryImage);
      try {
        return memoryImage();
      } finally {
        recorder.leave();
      }
    };
  return watched;
}

type Writable<Shape> = { -readonly [Key in keyof Shape]: Shape[Key] };

const boundMethods = (kernel: KernelMemory) => ({
  apply: kernel.apply.bind(kernel),
  snapshot: kernel.snapshot?.bind(kernel),
  cell: kernel.cell?.bind(kernel),
  touched: kernel.touched?.bind(kernel),
  audit: kernel.audit?.bind(kernel),
  pageTables: kernel.pageTables?.bind(kernel),
  tlb: kernel.tlb?.bind(kernel),
  memoryImage: kernel.memoryImage?.bind(kernel),
});
