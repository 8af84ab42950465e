/** Protection and inheritance codes of a map entry, as the C code numbers them (SPEC §0). */

/** A set of access rights: bits READ 1, WRITE 2, EXECUTE 4. */
export type VmProt = number;
export const VM_PROT_NONE = 0;
export const VM_PROT_READ = 1;
export const VM_PROT_WRITE = 2;
export const VM_PROT_EXECUTE = 4;
/** All rights; also the default of a new entry. */
export const VM_PROT_ALL = 7;

/** How fork treats an entry: SHARE 0, COPY 1 (the default), NONE 2; 3 (donate) is never accepted. */
export type VmInherit = number;
export const VM_INHERIT_SHARE = 0;
export const VM_INHERIT_COPY = 1;
export const VM_INHERIT_NONE = 2;

/** True when every right of `wanted` is in `granted`. */
export const permits = (granted: VmProt, wanted: VmProt): boolean => (granted & wanted) === wanted;
