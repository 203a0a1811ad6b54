// Drivers whose socket, or whose life, is not as it should be.
import { type Mutation, parts } from './mutation.ts'

export const socketMutations: readonly Mutation[] = [
  {
    name: 'openToAll',
    does: 'lets everybody write to its socket',
    fails: [],
    change: parts(() => ({ socketMode: 0o666 })),
  },
  {
    name: 'oneAtATime',
    does: 'serves no connection while another is open',
    fails: [],
    change: parts(({ admit, answer }) => ({
      admit,
      answer: (session, request, outcome) => {
        const [first] = session.driver.sessions
        if (first === session) answer(session, request, outcome)
      },
    })),
  },
  {
    name: 'hangsUpOnTheFirst',
    does: 'ends older connections when a new one comes',
    fails: [],
    change: parts(({ accepted }) => ({
      accepted: (session) => {
        for (const other of session.driver.sessions) if (other !== session) other.socket.destroy()
        accepted(session)
      },
    })),
  },
  {
    name: 'forgetsWithTheConnection',
    does: 'forgets its networks and endpoints when a connection ends',
    fails: [],
    change: parts(() => ({
      closed: ({ driver }) => {
        driver.records.networks.clear()
        driver.records.endpoints.clear()
      },
    })),
  },
]
