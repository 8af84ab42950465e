/** What a kernel of one's own needs: the words of the contract. Imported as `vmlockstep/contract`. */
export * from '../contract/address.ts';
export * from '../contract/kernel-memory.ts';
export * from '../contract/machine.ts';
export * from '../contract/operation.ts';
export * from '../contract/outcome.ts';
export * from '../contract/pmap.ts';
export * from '../contract/protection.ts';
export * from '../contract/rules.ts';
export * from '../contract/scenario.ts';
export * from '../contract/sched.ts';
export * from '../contract/snapshot.ts';
export * from '../contract/vm-fault.ts';
export * from '../contract/vm-kern.ts';
export * from '../contract/vm-map.ts';
export * from '../contract/vm-object.ts';
export * from '../contract/vm-page.ts';
