import { describeMistakes } from '../support/probed-sample.js';

describeMistakes('Apache');
