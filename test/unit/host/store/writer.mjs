// Writes to a store without end, until it is killed: each transaction puts the same number under four keys and
// counts up. Prints a line once it is under way.
import { LmdbStore } from '@conet/host/store/index'

const [path, durable] = process.argv.slice(2)
const store = new LmdbStore({ path, durable: durable === 'durable' })
for (let n = Number(store.get('a') ?? 0) + 1; ; n++) {
  store.transaction((changes) => {
    for (const key of ['a', 'b', 'c', 'd']) changes.put(key, String(n))
    changes.put(`row/${String(n % 500).padStart(4, '0')}`, 'x'.repeat(n % 3000))
  })
  if (n % 20 === 0) process.stdout.write('.')
}
