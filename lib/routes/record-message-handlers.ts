import { MetadataScanner, type ModulesContainer } from '@nestjs/core';
import type { Handler } from '../options/mark-types.js';
import { isHandler, isHandlerClass, readMarks } from '../platform/marks.js';
import { compilePathRules } from '../policy/paths.js';
import { compileRequirement, type RequirementSettings } from '../policy/requirement.js';
import type { RouteTable } from '../policy/route-table.js';

/** The key under which `@nestjs/microservices` keeps the patterns of a handler. */
const PATTERN = 'microservices:pattern';

/** Modes and path rules are of http; of a message only decorators speak. */
const DECORATORS_ONLY: RequirementSettings = { mode: 'marked', rules: compilePathRules([], []) };

/** Notes every message and event handler of a microservice. Told by metadata alone, without `@nestjs/microservices`. */
export function recordMessageHandlers(table: RouteTable, modules: ModulesContainer): void {
  const scanner = new MetadataScanner();
  for (const { controllers } of modules.values()) {
    for (const { metatype: controller } of controllers.values()) {
      if (!isHandlerClass(controller)) continue;
      for (const handler of scanner.getAllMethodNames(controller.prototype)) {
        const method: unknown = Reflect.get(controller.prototype, handler);
        if (!isHandler(method)) continue;
        const marks = readMarks(controller, handler);
        const requirement = compileRequirement(marks, DECORATORS_ONLY);
        for (const path of patternsOf(method)) {
          table.addEndpoint({ kind: 'rpc', path, controller, handler, requirement, keptFrom: marks.keptFrom });
        }
      }
    }
  }
}

function patternsOf(method: Handler): string[] {
  const patterns: unknown = Reflect.getMetadata(PATTERN, method);
  if (!Array.isArray(patterns)) return [];
  return patterns.map((pattern: unknown) => (typeof pattern === 'string' ? pattern : JSON.stringify(pattern)));
}
