import { describeMisconfigurations } from '../support/misconfigurations.js';

describeMisconfigurations('HAProxy');
