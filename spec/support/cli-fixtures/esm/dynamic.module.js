import { AppModule } from './app.module.js';

export default Promise.resolve({ module: AppModule });
