import { ContainerJournals } from '@conet/host/lifecycle/index'
import { expect, it } from 'vitest'
import { temporaryDirectory } from '../../../support/temporary-directory.ts'
import { openStore } from '../api/api-fixture.ts'

const event = (id: number, container: string) => ({
  id,
  time: '2026-01-01T00:00:00.000Z',
  type: 't',
  container,
})

async function opened() {
  const directory = await temporaryDirectory()
  const store = await openStore(directory.path)
  const known = new Set(['kept'])
  const open = () =>
    new ContainerJournals({
      store,
      isKnown: (handle) => known.has(handle),
      onError: (error) => {
        throw error
      },
      keptForeign: 2,
    })
  return {
    open,
    async [Symbol.asyncDispose]() {
      await store.close()
      await directory[Symbol.asyncDispose]()
    },
  }
}

it('journals of handles without a container are dropped, the longest untouched first', async () => {
  await using place = await opened()
  const journals = place.open()
  for (const [n, handle] of ['kept', 'a', 'b', 'a', 'c'].entries()) journals.append(event(n, handle))
  journals.flush()
  journals.append(event(9, 'd'))
  journals.flush()
  const later = place.open()
  const left = ['kept', 'a', 'b', 'c', 'd'].filter((handle) => later.eventsOf(handle) !== undefined)
  expect(left).toEqual(['kept', 'c', 'd'])
  later.append(event(10, 'e'))
  later.flush()
  expect(later.eventsOf('c')).toBeUndefined()
  later[Symbol.dispose]()
})
