// Runs a joined program once and keeps what V8 compiled of it: `keep-compiled.cjs DIRECTORY PROGRAM [ARGUMENTS…]`.
const { mkdirSync, writeFileSync } = require('node:fs')
const { dirname, join } = require('node:path')
const v8 = require('node:v8')

const [directory, program, ...rest] = process.argv.slice(2)
const { scripts } = require(join(directory, 'load.cjs'))

function keep() {
  for (const { keptAt, script } of scripts.splice(0)) {
    // Programs change the mask of this process; others than who builds may run them.
    const mask = process.umask(0o022)
    mkdirSync(dirname(keptAt), { recursive: true })
    writeFileSync(keptAt, script.createCachedData())
    process.umask(mask)
  }
}

// V8 takes compiled code back under the same flags alone: what was loaded before they change is kept before.
const change = v8.setFlagsFromString
v8.setFlagsFromString = (flag) => {
  keep()
  change(flag)
}
process.on('exit', keep)
// It may come before a program waits for it, and then would end it without an `exit`.
process.once('SIGTERM', () => setTimeout(process.exit, 300).unref())

process.argv.splice(1, Number.POSITIVE_INFINITY, join(directory, `${program}.js`), ...rest)
require(process.argv[1])
