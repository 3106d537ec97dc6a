// Starts one subject and tells its port to the parent: node bench/serve.mjs <subject> <platform>
import { Session } from 'node:inspector/promises';
import { SESSION_SUBJECTS } from './session-subjects.mjs';
import { SUBJECTS } from './subjects.mjs';

const [subject, platform] = process.argv.slice(2);
const server = await { ...SUBJECTS, ...SESSION_SUBJECTS }[subject](platform);
// Connections wait for their turn longer than the five seconds that Node gives them.
server.keepAliveTimeout = 10 * 60_000;
const profiler = new Session();

/** What the parent may ask for. */
const ANSWERS = {
  'processor time'() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  async 'start profile'() {
    profiler.connect();
    await profiler.post('Profiler.enable');
    await profiler.post('Profiler.setSamplingInterval', { interval: 200 });
    await profiler.post('Profiler.start');
    return true;
  },
  async 'stop profile'() {
    const { profile } = await profiler.post('Profiler.stop');
    return profile;
  },
};
process.on('message', async (message) => process.send(await ANSWERS[message]()));
process.on('disconnect', () => process.exit());
process.send(server.address().port);
