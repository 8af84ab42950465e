import { killedAtMoments } from './kill.ts';

killedAtMoments(10);
