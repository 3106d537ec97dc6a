#!/usr/bin/env node
import { runCommandLine } from './command-line.js';

// Not process.exit(): what is written to a pipe must arrive first.
process.exitCode = await runCommandLine(process.argv.slice(2));
