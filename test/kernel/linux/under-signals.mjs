// Writes and lists a table again and again, while a timer of the kernel sends this process one signal after the other. Prints how often,
// or fails with the first error.
import { Nftables } from '@conet/sdk/linux'
import { libc } from '../../../sdk/dist/linux/libc.js'

const ITIMER_REAL = 0
const everyUs = 150n
const forMs = 1_500

const setitimer = libc.func('int setitimer(int which, void *value, void *former)')
let signals = 0
process.on('SIGALRM', () => {
  signals += 1
})

const nftables = Nftables.open()
const rules = 'ip saddr 192.0.2.1 accept\n'.repeat(20)
const table = `add table inet t\ndelete table inet t\ntable inet t {\nchain c {\n${rules}}\n}\n`

/** struct itimerval. */
const timer = Buffer.alloc(32)
timer.writeBigInt64LE(everyUs, 8)
timer.writeBigInt64LE(everyUs, 24)
setitimer(ITIMER_REAL, timer, null)

let times = 0
for (const end = performance.now() + forMs; performance.now() < end; times += 1) {
  nftables.run(table)
  nftables.list('table inet t')
  if (times % 5 === 0) await new Promise((resolve) => setImmediate(resolve))
}
setitimer(ITIMER_REAL, Buffer.alloc(32), null)
nftables.run('delete table inet t')
nftables.close()
console.log(JSON.stringify({ times, signals }))
