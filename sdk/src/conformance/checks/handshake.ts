// The first exchange: versions, identity, and what comes too early or twice.
import { isJson } from '../wire/strict-parser.ts'
import type { ActiveCheck } from './check.ts'
import { expect } from './verdicts.ts'

/** The form that semver.org gives. */
const semver =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-((0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$/

export const handshakeChecks: readonly ActiveCheck[] = [
  {
    id: 'handshake.introduction',
    title: 'initialize is answered within 10 s with an introduction as the schema has it',
    level: 'core',
    rules: ['HS-10', 'CALL-4'],
    sends: 'initialize and initialized',
    why: 'The host knows a driver by this answer, and gives up on one that takes longer.',
    mend: 'Answer from what you know; do not wait for what the driver depends on (say notReady later).',
    async run(kit) {
      using host = await kit.host()
      await host.handshake()
    },
  },
  {
    id: 'handshake.version-not-echoed',
    title: 'a version that the driver does not speak is refused with 1301 and both lists',
    level: 'core',
    rules: ['HS-4', 'HS-5'],
    sends: 'initialize that offers ["99.0"]',
    why: 'A driver that echoes what it is offered claims to speak protocols that do not exist yet.',
    mend: 'Choose from a list of your own; answer unsupportedProtocolVersion with details { offered, spoken }.',
    async run(kit) {
      using host = await kit.host()
      const params = kit.initializeParams({ protocolVersions: ['99.0'] })
      const { data } = await host.refused('initialize', params, ['unsupportedProtocolVersion'])
      const details = isJson(data.details) ? data.details : {}
      const hasBoth = Array.isArray(details.offered) && Array.isArray(details.spoken)
      expect(hasBoth, 'the error does not show both lists', {
        expected: 'details { offered, spoken }',
        found: data,
      })
    },
  },
  {
    id: 'handshake.version-chosen',
    title: 'among several offered versions the driver chooses one that it speaks',
    level: 'core',
    rules: ['HS-4'],
    sends: 'initialize that offers ["99.0", "1.0"]',
    why: 'Hosts offer their newest version first; a driver of today must find its own in the list.',
    mend: 'Take the best version that both sides list.',
    async run(kit) {
      using host = await kit.host()
      const { protocolVersion } = await host.handshake({ protocolVersions: ['99.0', '1.0'] })
      expect(protocolVersion === '1.0', 'another version was chosen', {
        expected: '1.0',
        found: protocolVersion,
      })
    },
  },
  {
    id: 'handshake.identity',
    title: 'name and product version have the form that the host takes',
    level: 'core',
    rules: ['HS-6'],
    sends: 'initialize',
    why: 'Users type the name; the host compares versions with the ranges in its configuration.',
    mend: 'A name of lower-case letters, digits, dots and dashes; a version as of semver.org.',
    async run(kit) {
      using host = await kit.host()
      const { driver } = await host.handshake()
      expect(/^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/.test(driver.name), 'the name has another form', {
        found: driver.name,
      })
      expect(semver.test(driver.version), 'the version is not semver', { found: driver.version })
    },
  },
  {
    id: 'handshake.instance',
    title: 'the instance id is the same on all connections of one process',
    level: 'core',
    rules: ['HS-7'],
    sends: 'initialize on two connections',
    why: 'By it the host tells a new connection from a driver that has started anew.',
    mend: 'Make it once, when the process starts.',
    async run(kit) {
      using first = await kit.host()
      using second = await kit.host()
      const ids = [(await first.handshake()).driver.instanceId, (await second.handshake()).driver.instanceId]
      expect(ids[0] === ids[1], 'two connections were told different ids', { found: ids })
    },
  },
  {
    id: 'handshake.new-instance',
    title: 'the instance id is another after a restart',
    level: 'resilient',
    rules: ['HS-7'],
    sends: 'initialize, a restart of the process, initialize again',
    needs: ['command'],
    why: 'By it the host learns that the driver has forgotten what was under way.',
    mend: 'Make it at random at each start.',
    async run(kit) {
      using before = await kit.host()
      const { driver } = await before.handshake()
      await kit.process.restart()
      using after = await kit.host()
      const { driver: successor } = await after.handshake()
      expect(driver.instanceId !== successor.instanceId, 'the id is the same', { found: driver.instanceId })
    },
  },
  {
    id: 'handshake.call-before',
    title: 'a call before initialize is refused with 1307, and initialize still works',
    level: 'core',
    rules: ['HS-2'],
    sends: 'network/list, then initialize and network/list',
    why: 'Before the handshake nobody knows which version, and whose networks, are meant.',
    mend: 'Answer notInitialized to everything but initialize.',
    async run(kit) {
      using host = await kit.host()
      await host.refused('network/list', {}, ['notInitialized'])
      await host.handshake()
      await host.call('network/list', {})
    },
  },
  {
    id: 'handshake.notification-before',
    title: 'notifications before initialize are dropped',
    level: 'core',
    rules: ['HS-2'],
    sends: 'initialized and kit/unknown, then initialize and a ping',
    why: 'They cannot be meant for this session.',
    mend: 'Drop them without an answer, and go on.',
    async run(kit) {
      using host = await kit.host()
      host.notify('initialized', { role: 'active' })
      host.notify('kit/unknown', {})
      await host.handshake()
      await host.call('driver/ping', {})
    },
  },
  {
    id: 'handshake.twice',
    title: 'a second initialize is refused with 1305, and the first one stands',
    level: 'core',
    rules: ['HS-3'],
    sends: 'initialize twice on one connection',
    why: 'A connection has one session; a second one would change its rules under calls that are open.',
    mend: 'Remember that the connection is initialized; answer alreadyInitialized.',
    async run(kit) {
      using host = await kit.connect()
      await host.refused('initialize', kit.initializeParams(), ['alreadyInitialized'])
      await host.call('driver/ping', {})
    },
  },
  {
    id: 'handshake.invalid',
    title: 'initialize with params that break the schema is refused with 1001, and may be sent again',
    level: 'core',
    rules: ['HS-11'],
    sends: 'initialize with "1.0" for the list of versions, then a good one',
    why: 'An author of a host must learn what is wrong, and a driver must not take half a handshake for one.',
    mend: 'Check the params before you change the state of the connection.',
    async run(kit) {
      using host = await kit.host()
      await host.refused('initialize', { protocolVersions: '1.0' }, ['invalidArgument'])
      await host.handshake()
      await host.call('driver/ping', {})
    },
  },
  {
    id: 'handshake.unknown-members',
    title: 'members of initialize that the driver does not know are ignored',
    level: 'core',
    rules: ['RPC-5'],
    sends: 'initialize with members that the protocol does not have',
    why: 'The next minor version of the protocol will add some.',
    mend: 'Do not refuse additional members.',
    async run(kit) {
      using host = await kit.host()
      const reply = await host.request('initialize', kit.initializeParams({ kitUnknown: { nested: true } }))
      expect('result' in reply, 'initialize was refused', { found: reply })
    },
  },
  {
    id: 'handshake.rejected',
    title: 'a driver that is rejected goes on listening',
    level: 'core',
    severity: 'should',
    rules: ['HS-19'],
    sends: 'initialize, then rejected with 1310 duplicateName; then a handshake on a new connection',
    why: 'The reason may go: another driver of that name ends, the host’s configuration changes.',
    mend: 'Log the rejection with its reason, and wait for the next connection.',
    async run(kit) {
      using host = await kit.host()
      await host.call('initialize', kit.initializeParams())
      host.notify('rejected', { code: 1310, name: 'duplicateName', message: 'the kit tries what happens' })
      host.close()
      await kit.expectServed('a rejection')
    },
  },
  {
    id: 'handshake.rejection-logged',
    title: 'a rejection stands in what the driver writes to stderr, with its reason',
    level: 'resilient',
    severity: 'should',
    needs: ['command'],
    rules: ['HS-19', 'EVT-4'],
    sends: 'initialize, then rejected with 1310 duplicateName',
    why: 'It is the only place where the operator of the driver learns why it is not used.',
    mend: 'Log the message of `rejected` to stderr: the connection ends, so the host will not show it.',
    async run(kit) {
      using host = await kit.host()
      await host.call('initialize', kit.initializeParams())
      const message = `the kit rejects ${kit.random.hex(16)}`
      host.notify('rejected', { code: 1310, name: 'duplicateName', message })
      host.close()
      const isLogged = await kit.soon(() => kit.process.stderr.includes(message))
      expect(isLogged, 'stderr does not have it', { expected: message })
    },
  },
  {
    id: 'handshake.silence',
    title: 'a connection on which no initialize comes is closed',
    level: 'robust',
    severity: 'should',
    rules: ['HS-12'],
    sends: 'nothing on a new connection, for 10 s',
    limitMs: 40_000,
    mostlyWaits: true,
    why: 'Connections that say nothing must not use up the driver’s file descriptors.',
    mend: 'Close a connection on which no initialize has come within 10 s.',
    async run(kit) {
      const connection = await kit.dial()
      // The protocol's own time, which no time scale changes.
      await kit.expectEnded(connection, '10 s of silence', 10_000 + kit.promptMs)
    },
  },
]
