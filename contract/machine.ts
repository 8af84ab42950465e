/**
 * The machine a kernel boots on: frames, kernel address range, pools (SPEC §1, §2; TRACES §2).
 *
 *   kernelMax → ┌──────────────────────────────┐
 *               │ free                         │
 * kernelStart → ├──────────────────────────────┤
 *               │ boot entry (null object)     │  absent when kernelStart = kernelMin;
 *               │   [scratch window]           │  pmap operations may use a part of it
 *   kernelMin → └──────────────────────────────┘
 */
import {
  ADDRESS_SPACE_END,
  type ByteCount,
  isPageAligned,
  PDE_SPAN,
  type VirtualAddress,
} from './address.ts';

/** VM_MAX_KERNEL_ADDRESS: pmap_enter refuses addresses above it unless the kernel map reaches higher. */
export const VM_MAX_KERNEL_ADDRESS = 0xffbf_f000;
/** PTDPTDI: the directory slot that names the directory itself, unless the kernel map needs that slot. */
export const RECURSIVE_SLOT = 959;
/** Byte that fills every frame at boot, as on the machine that recorded the golden traces. */
export const BOOT_FILL = 0xa5;
/** Byte that a freed frame is filled with. */
export const FREED_FILL = 0xdd;
/** Most managed frames: 256 MiB. The model scans them one by one, so that a larger machine would only be waited for. */
export const MOST_MANAGED_PAGES = 65536;
/** Length of kmem_object in golden traces: 2 304 KiB. */
export const TRACE_KMEM_OBJECT_SIZE = 2359296;

/** Everything that distinguishes one machine from another. Plain JSON. */
export interface MachineConfig {
  /** Managed frames, numbered from 0, all free at boot. */
  readonly managedPages: number;
  /** Unmanaged device frames, numbered behind the managed ones. */
  readonly deviceFrames: number;
  /** VM_MIN_KERNEL_ADDRESS: start of kernel_map, page-aligned, above 0. */
  readonly kernelMin: VirtualAddress;
  /** End of the boot entry [kernelMin, kernelStart); equal to kernelMin for none (BOOT-5). */
  readonly kernelStart: VirtualAddress;
  /** End (exclusive) of kernel_map, page-aligned. */
  readonly kernelMax: VirtualAddress;
  /** Static map entries in total; null for an unlimited pool (level `contract`). */
  readonly mapEntries: number | null;
  /** Static map records in total, kernel_map's included (MAX_KMAP). */
  readonly staticMaps: number;
  /** Length of kmem_object in bytes. */
  readonly kmemObjectSize: ByteCount;
  /** PAGE-ALLOC-3 thresholds, in pages; all 0 in golden traces. */
  readonly freeMin: number;
  readonly freeTarget: number;
  readonly inactiveTarget: number;
  /** Ranges reserved on kernel_object at boot, in this order (BOOT-6). */
  readonly reserved: readonly { readonly start: VirtualAddress; readonly length: ByteCount }[];
  /**
   * Managed frames 0 … scratchPages − 1 that the harness owns for direct pmap operations. At boot they are
   * taken off the head of FREE into an object named `scratch` at offsets 0, 4096, … with wire count 1
   * (so v_wire starts at scratchPages) and zero contents. 0 in golden traces: then no such object exists.
   */
  readonly scratchPages: number;
  /** Part of the boot entry that direct pmap operations use; null for none. */
  readonly scratchWindow: { readonly start: VirtualAddress; readonly end: VirtualAddress } | null;
}

/** Page-directory slots [first, end) that carry static kernel page tables: every 4 MiB line kernel_map touches. */
export function kernelSlots({ kernelMin, kernelMax }: MachineConfig): { first: number; end: number } {
  return { first: Math.floor(kernelMin / PDE_SPAN), end: Math.ceil(kernelMax / PDE_SPAN) };
}

/** The recursive directory slot: 959, or the slot below the kernel's lowest where 959 is taken (TRACES §2). */
export function recursiveSlot(config: MachineConfig): number {
  const { first, end } = kernelSlots(config);
  return RECURSIVE_SLOT >= first && RECURSIVE_SLOT < end ? first - 1 : RECURSIVE_SLOT;
}

/** VM_MAXUSER_ADDRESS: the end of user addresses, unless the kernel's tables begin below. */
export const VM_MAXUSER_ADDRESS = 0xefbf_e000;

/** End (exclusive) of what a user pmap can map: below the recursive window and the kernel's slots. */
export function userEnd(config: MachineConfig): number {
  return Math.min(VM_MAXUSER_ADDRESS, PDE_SPAN * Math.min(recursiveSlot(config), kernelSlots(config).first));
}

/** Highest address that pmap_enter accepts (inclusive), DEV-27 and Q-12. */
export function highestKernelAddress({ kernelMax }: MachineConfig): number {
  return Math.max(VM_MAX_KERNEL_ADDRESS, kernelMax - 1);
}

/** Map entries that booting takes: the boot entry, and each reserved range that is free and inside (BOOT-5, BOOT-6). */
function bootEntries({ kernelMin, kernelStart, kernelMax, reserved }: MachineConfig): number {
  const entries = kernelMin < kernelStart ? [{ start: kernelMin as number, end: kernelStart as number }] : [];
  for (const { start, length } of reserved) {
    const end = start + length;
    const fits = start >= kernelMin && start < end && end <= kernelMax;
    if (fits && !entries.some((entry) => entry.start < end && start < entry.end))
      entries.push({ start, end });
  }
  return entries.length;
}

/**
 * What is wrong with a configuration, as `path: sentence` lines; empty when it is sound (BOOT-5, DEV-27).
 * Checked at the edge: kernels may rely on it.
 */
export function machineFaults(config: MachineConfig): string[] {
  const faults: string[] = [];
  const whole = (name: keyof MachineConfig, least: number, most: number) => {
    const value = config[name];
    if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most)
      faults.push(`machine.${name}: must be a whole number from ${least} to ${most}`);
  };
  whole('managedPages', 1, MOST_MANAGED_PAGES);
  whole('deviceFrames', 0, 1024);
  whole('staticMaps', 1, 65535);
  whole('kmemObjectSize', 0, ADDRESS_SPACE_END - 1);
  whole('freeMin', 0, 1 << 20);
  whole('freeTarget', 0, 1 << 20);
  whole('inactiveTarget', 0, 1 << 20);
  whole('scratchPages', 0, config.managedPages);
  if (config.mapEntries !== null) whole('mapEntries', 1, 1 << 24);
  for (const name of ['kernelMin', 'kernelStart', 'kernelMax'] as const) {
    whole(name, 2 * PDE_SPAN, ADDRESS_SPACE_END - 4096);
    if (!isPageAligned(config[name])) faults.push(`machine.${name}: must be a multiple of 4096`);
  }
  if (config.kernelMin > config.kernelStart) faults.push('machine.kernelStart: must not lie below kernelMin');
  if (config.kernelStart > config.kernelMax) faults.push('machine.kernelMax: must not lie below kernelStart');
  config.reserved.forEach(({ start, length }, i) => {
    if (!isPageAligned(start) || !isPageAligned(length) || start + length >= ADDRESS_SPACE_END)
      faults.push(`machine.reserved[${i}]: start and length must be multiples of 4096 below 2^32`);
  });
  const taken = bootEntries(config);
  if (config.mapEntries !== null && config.mapEntries < taken)
    faults.push(`machine.mapEntries: must be at least ${taken}, since booting takes that many`);
  const window = config.scratchWindow;
  if (window !== null) {
    const inside = window.start >= config.kernelMin && window.end <= config.kernelStart;
    if (!inside || window.start >= window.end || !isPageAligned(window.start) || !isPageAligned(window.end))
      faults.push(
        'machine.scratchWindow: must be a non-empty page-aligned range inside [kernelMin, kernelStart)',
      );
  }
  return faults;
}
