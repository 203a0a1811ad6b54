// Runs a joined program with the code that V8 compiled of its files when they were joined (docs/decisions/0021). A copy of
// this file lies beside the programs. CommonJS, since Node 20 takes compiled code for nothing else.
const { readFileSync, statSync } = require('node:fs')
const { join } = require('node:path')
const { Script } = require('node:vm')

/** Copying a package gives files new times in any order; who edits one by hand does so later than that. */
const copyingMs = 60_000
const modules = new Map()
/** Of each file that ran the compiled script, and where its code is kept. */
const scripts = []

function load(program, name) {
  const known = modules.get(name)
  if (known !== undefined) return known.exports
  const module = { exports: {} }
  modules.set(name, module)
  try {
    const path = join(__dirname, name)
    const requireFrom = (id) => (id.startsWith('./') ? load(program, id.slice(2)) : require(id))
    compile(program, name, path).runInThisContext()(module.exports, requireFrom, module, path, __dirname)
    return module.exports
  } catch (error) {
    // It may be there when it is asked for again.
    modules.delete(name)
    throw error
  }
}

function compile(program, name, path) {
  const code = readFileSync(path, 'latin1')
  const keptAt = join(__dirname, 'compiled', program, name)
  const script = new Script(`(function (exports, require, module, __filename, __dirname) {${code}\n})`, {
    // Compiled code brings the name it was compiled under into stacks, wherever it is now.
    filename: `dist/programs/${name}`,
    cachedData: readCompiled(path, keptAt),
  })
  scripts.push({ keptAt, script })
  return script
}

/** V8 refuses what another version of it made, or one with other flags, and compiles; but of the code it knows only the length. */
function readCompiled(path, keptAt) {
  try {
    const isOlder = statSync(path).mtimeMs > statSync(keptAt).mtimeMs + copyingMs
    return isOlder ? undefined : readFileSync(keptAt)
  } catch {
    // Not there, or not for whoever runs this: it can be compiled anew.
    return undefined
  }
}

module.exports = { load, scripts }
