import { describeMisconfigurations } from '../support/misconfigurations.js';

describeMisconfigurations('Apache');
