import { faultsAreSeen } from './faults-seen.ts';

faultsAreSeen(1);
