// Fills the small file system that holds the store, then makes room. Prints what came of it as JSON.
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LmdbStore } from '@conet/host/store/index'

const directory = process.argv[2]
writeFileSync(join(directory, 'filler'), Buffer.alloc(1_000_000))
const store = new LmdbStore({
  path: join(directory, 'store', 'store.mdb'),
  durable: process.argv[3] === 'durable',
})
let written = 0
let failure
while (failure === undefined) {
  try {
    store.transaction((changes) => {
      for (let n = 0; n < 10; n++) changes.put(`${written}/${n}`, 'x'.repeat(500))
    })
    written++
  } catch (error) {
    failure = error
  }
}
const found = store.list('').length
rmSync(join(directory, 'filler'))
store.transaction((changes) => changes.put('after', 'room'))
const after = store.get('after')
await store.close()
console.log(JSON.stringify({ kind: failure.kind, whole: found === written * 10, written, after }))
