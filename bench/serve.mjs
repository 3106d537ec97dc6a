// Starts one subject and tells its port to the parent: node bench/serve.mjs <subject> <platform>
import { SUBJECTS } from './subjects.mjs';

const [subject, platform] = process.argv.slice(2);
const server = await SUBJECTS[subject](platform);
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send(user + system);
});
process.on('disconnect', () => process.exit());
process.send(server.address().port);
