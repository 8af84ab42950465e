/** Modules of outside kernels, written as the tests need them. */
import { address, bytes } from '../../contract/address.ts';
import type { Scenario } from '../../contract/scenario.ts';
import { machine } from '../report/failing-report.ts';

/** A module that does all that is asked of it, with places to break. */
export const kernel = ({
  declares = "{ name: 'toy', operations: ['kmem_free', 'pagedaemon'], shows: ['outcomes'], placement: 'first-fit' }",
  boot = '() => ({ apply })',
  apply = "() => ({ outcome: { kind: 'done' } })",
  also = '',
}: {
  readonly declares?: string;
  readonly boot?: string;
  readonly apply?: string;
  readonly also?: string;
} = {}): string =>
  `${also}\nconst apply = ${apply};\nexport default { declares: ${declares}, boot: ${boot} };\n`;

/** What such a kernel can run. */
export const scenario: Scenario = {
  machine: { ...machine, scratchPages: 0, deviceFrames: 0 },
  operations: [
    { kind: 'pagedaemon' },
    { kind: 'kmem_free', map: 'kernel', address: address(0xfe00_8000), size: bytes(4096) },
  ],
};

/** A declaration with what it shows. */
export const showing = (shows: string): string =>
  `{ name: 'toy', operations: ['pagedaemon'], shows: [${shows}], placement: 'first-fit' }`;
