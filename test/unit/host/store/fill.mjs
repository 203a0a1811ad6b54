// Fills the small file system that holds the store to the last page, removes some, then makes room. Prints what came of
// it as JSON.
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
// What others write takes the last of the room.
let filled = false
for (let n = 0; !filled; n++) {
  try {
    writeFileSync(join(directory, `rest-${n}`), Buffer.alloc(1024))
  } catch {
    filled = true
  }
}
// Pages that were free within the store are used up too.
let last = 0
for (let isTaken = true; isTaken; last++) {
  try {
    store.transaction((changes) => changes.put(`last/${last}`, 'x'.repeat(500)))
  } catch {
    isTaken = false
  }
}
// As the endpoints of a container go: tombstones first, then nothing is left.
const some = store.list('1')
store.transaction((changes) => {
  for (const { key } of some) changes.put(key, 'deleting')
}, 'removal')
store.transaction((changes) => {
  for (const { key } of some) changes.delete(key)
}, 'removal')
const removed = some.length > 100 && store.list('1').length === 0
rmSync(join(directory, 'filler'))
store.transaction((changes) => changes.put('after', 'room'))
const after = store.get('after')
await store.close()
console.log(JSON.stringify({ kind: failure.kind, whole: found === written * 10, removed, written, after }))
