// Asks the registry whether something is known against what the package installs. Some registries do not answer that:
// then it is said, and nothing fails, for it says nothing about the package.
import { spawnSync } from 'node:child_process';

const { stdout, status } = spawnSync('npm', ['audit', '--omit=dev', '--json'], { encoding: 'utf8' });
const { metadata, vulnerabilities } = parsed(stdout);

if (metadata?.vulnerabilities === undefined) {
  console.log(
    'The registry does not answer: nothing was learnt of advisories. Run npm audit --omit=dev with another one.',
  );
} else if (status === 0) {
  console.log(`Nothing is known against ${metadata.dependencies?.prod ?? 'the'} runtime dependencies.`);
} else {
  for (const { name, severity, range } of Object.values(vulnerabilities)) console.log(`${name} ${range}: ${severity}`);
  process.exitCode = 1;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
