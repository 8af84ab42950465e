/**
 * Lets an outside kernel import `vmlockstep` and `vmlockstep/contract` wherever its file lies, without an install:
 * both names mean the running copy.
 */
import Module, { register } from 'node:module';
import { fileURLToPath } from 'node:url';

/** `home` is the folder of the public entry points, `extension` theirs. */
export function resolveOwnPackage(home, extension) {
  const own = {
    vmlockstep: new URL(`index.${extension}`, home).href,
    'vmlockstep/contract': new URL(`contract.${extension}`, home).href,
  };
  const hook = `const own = ${JSON.stringify(own)};
export async function resolve(specifier, context, next) {
  return specifier in own ? next(own[specifier], context) : next(specifier, context);
}`;
  register(`data:text/javascript,${encodeURIComponent(hook)}`);
  const resolveFilename = Module._resolveFilename;
  Module._resolveFilename = function (request, ...rest) {
    const name = Object.hasOwn(own, request) ? fileURLToPath(own[request]) : request;
    return resolveFilename.call(this, name, ...rest);
  };
}
