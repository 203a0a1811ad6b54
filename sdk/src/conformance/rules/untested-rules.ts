// Rules that bind drivers and that no check holds them to, each with the reason. A test fails for a rule that is neither
// here nor among the rules of a check.
/** By the rule's id, why it has no check. */
export const untestedRules: Readonly<Record<string, string>> = {
  'SOCK-2':
    'Between bind and listen lie microseconds: a kit that polls would miss a driver that is wrong, and pass it by luck.',
  'RPC-8':
    'Whether the first request of an id is still under way when the second arrives cannot be seen from outside.',
  'CALL-7': 'The kit cannot make a call of an unknown driver last, so it cannot see who waits for whom.',
  'CALL-10':
    'What a driver logs, and whether it does, is its own; the rule asks for a member of lines that may not exist.',
  'CANC-3':
    'The kit cannot make a call of an unknown driver last; that a cancelled call has one answer is checked.',
  'PROG-3': 'It says how long the host waits; a driver that sends progress keeps it by sending.',
  'ERR-5': 'Whether a sentence explains a failure, people judge.',
  'NET-2':
    'What reaches what depends on the routes and the firewall of the whole machine; the tests of a driver send packets.',
  'NET-7': 'The kit cannot break a network of an unknown driver, so it never sees one with a fault.',
  'EP-6': 'The kit cannot break an endpoint of an unknown driver, so it never sees one with a fault.',
  'SPAN-2': 'The kit names an underlay address that every machine has, so it never sees a driver miss one.',
  'SPAN-4':
    'How a user chooses the number is for a driver to say; the kit assigns one wherever it is wanted.',
  'PEER-12': 'How long a batch takes depends on the machine more than on the driver.',
  'HLTH-5':
    'The kit cannot take away what an unknown driver depends on, so it never sees one that is not ready.',
  'HLTH-6':
    'The kit cannot take away what an unknown driver depends on, so it never sees one that is not ready.',
  'POL-3':
    'What a policy says only its driver knows: the kit cannot see which is in force. The tests of a driver send packets.',
  'POL-4': 'It shows in the traffic of a moment; the tests of a driver send packets.',
  'POL-5': 'The kit cannot make an unknown driver fail in the middle of a policy.',
  'POL-9': 'What a schema could not refuse, and the driver has to, is different with each.',
  'PORT-3': 'What reaches what depends on the machine; the tests of a driver send packets through its ports.',
  'STAT-3': 'The kit cannot make a call of an unknown driver last, so it cannot see who waits for whom.',
}
