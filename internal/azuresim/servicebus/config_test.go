package servicebus_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/servicebus"
)

func inNamespace(entities string) string {
	return `{"UserConfig":{"Namespaces":[{"Name":"sbemulatorns",` + entities + `}],"Logging":{"Type":"File"}}}`
}

// official is the sample of the emulator's documentation, without forwarding.
const official = `{"UserConfig":{"Namespaces":[{"Name":"sbemulatorns",
"Queues":[{"Name":"q","Properties":{"DeadLetteringOnMessageExpiration":false,"DefaultMessageTimeToLive":"PT1H","DuplicateDetectionHistoryTimeWindow":"PT20S","ForwardDeadLetteredMessagesTo":"","ForwardTo":"","LockDuration":"PT1M","MaxDeliveryCount":3,"RequiresDuplicateDetection":false,"RequiresSession":false}}],
"Topics":[{"Name":"t","Properties":{"DefaultMessageTimeToLive":"PT1H","DuplicateDetectionHistoryTimeWindow":"PT20S","RequiresDuplicateDetection":false},
"Subscriptions":[{"Name":"s","Properties":{"DeadLetteringOnMessageExpiration":false,"DefaultMessageTimeToLive":"PT1H","LockDuration":"PT1M","MaxDeliveryCount":3,"ForwardDeadLetteredMessagesTo":"","ForwardTo":"","RequiresSession":false},
"Rules":[{"Name":"r","Properties":{"FilterType":"Correlation","CorrelationFilter":{"ContentType":"application/text","CorrelationId":"id1","Label":"subject1","MessageId":"msgid1","ReplyTo":"someQueue","ReplyToSessionId":"sessionId","SessionId":"session1","To":"xyz","Properties":{"prop1":"value1"}}}}]}]}]}],"Logging":{"Type":"File"}}}`

func TestOfficialSampleIsTaken(t *testing.T) {
	cfg, err := servicebus.ParseConfig([]byte(official))
	require.NoError(t, err)
	n, err := servicebus.New(cfg, servicebus.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, n.Close()) })
	none := servicebus.EntityCounts{}
	assert.Equal(t, map[string]servicebus.EntityCounts{
		"q": none, "q/$DeadLetterQueue": none, "t": none, "t/Subscriptions/s": none, "t/Subscriptions/s/$DeadLetterQueue": none,
	}, n.Counts())
}

func TestMistakesInAConfigAreReported(t *testing.T) {
	rule := func(properties string) string {
		return inNamespace(`"Topics":[{"Name":"t","Subscriptions":[{"Name":"s","Rules":[{"Name":"r","Properties":` + properties + `}]}]}]`)
	}
	inRule := `rule "r" of subscription "s" of topic "t": `
	for name, test := range map[string]struct{ config, want string }{
		"no JSON":                    {`{`, "unexpected end of JSON input"},
		"no namespace":               {`{"UserConfig":{}}`, "UserConfig.Namespaces: there are 0, there has to be 1"},
		"an unknown name on top":     {`{"UserConfig":{"Namespaces":[{"Name":"n"}]},"More":1}`, "More: unknown name"},
		"an unknown name inside":     {inNamespace(`"Queues":[{"Name":"q","Properties":{"Lock":"PT1M"}}]`), "UserConfig.Namespaces[0].Queues[0].Properties.Lock: unknown name"},
		"a value of the wrong type":  {inNamespace(`"Queues":[{"Name":"q","Properties":{"MaxDeliveryCount":"3"}}]`), "cannot unmarshal string into Go struct field"},
		"a number to compare with":   {rule(`{"FilterType":"Correlation","CorrelationFilter":{"Properties":{"p":1}}}`), "cannot unmarshal number into Go struct field"},
		"a name twice":               {inNamespace(`"Queues":[{"Name":"q"},{"Name":"Q"}]`), `queue "Q": the name is already taken`},
		"a queue and a topic":        {inNamespace(`"Queues":[{"Name":"q"}],"Topics":[{"Name":"q"}]`), `topic "q": the name is already taken`},
		"a subscription twice":       {inNamespace(`"Topics":[{"Name":"t","Subscriptions":[{"Name":"s"},{"Name":"s"}]}]`), `subscription "s" of topic "t": the name is already taken`},
		"no name":                    {inNamespace(`"Queues":[{}]`), `queue "": name "" is not allowed`},
		"a duration that is none":    {inNamespace(`"Queues":[{"Name":"q","Properties":{"LockDuration":"1m"}}]`), `queue "q": LockDuration: duration "1m" is not ISO 8601 such as PT1M or P14D`},
		"a duration of nothing":      {inNamespace(`"Queues":[{"Name":"q","Properties":{"LockDuration":"PT0S"}}]`), `queue "q": LockDuration must be longer than zero`},
		"a lock that is too long":    {inNamespace(`"Queues":[{"Name":"q","Properties":{"LockDuration":"PT6M"}}]`), `queue "q": LockDuration PT6M is not within PT5S and PT5M`},
		"a window that is too short": {inNamespace(`"Queues":[{"Name":"q","Properties":{"DuplicateDetectionHistoryTimeWindow":"PT19S"}}]`), `queue "q": DuplicateDetectionHistoryTimeWindow PT19S is not within PT20S and P7D`},
		"forwarding":                 {inNamespace(`"Queues":[{"Name":"q","Properties":{"ForwardTo":"x"}}]`), `queue "q": ForwardTo "x": the simulated Service Bus does not forward`},
		"a SQL filter":               {rule(`{"FilterType":"Sql","SqlFilter":{"SqlExpression":"a = 1"}}`), inRule + `SQL filter "a = 1": the simulated Service Bus evaluates correlation filters only`},
		"a rule action":              {rule(`{"FilterType":"Sql","SqlFilter":{"SqlExpression":"1=1"},"Action":{"SqlExpression":"SET a = 1"}}`), inRule + "Action: the simulated Service Bus has no rule actions"},
		"an unknown filter":          {rule(`{"FilterType":"True"}`), inRule + `FilterType "True" is not Correlation or Sql`},
		"a filter without condition": {rule(`{"FilterType":"Correlation","CorrelationFilter":{}}`), inRule + "CorrelationFilter sets no condition"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := servicebus.ParseConfig([]byte(test.config))
			require.ErrorContains(t, err, test.want)
			assert.True(t, strings.HasPrefix(err.Error(), "servicebus: config: "), err)
		})
	}
}

func TestMistakesInAConfigAreReportedTogether(t *testing.T) {
	_, err := servicebus.ParseConfig([]byte(inNamespace(`"Queues":[{"Name":"q","Properties":{"LockDuration":"x","ForwardTo":"y","Odd":1,"MaxDeliveryCount":-1}}]`)))
	require.EqualError(t, err, `servicebus: config: UserConfig.Namespaces[0].Queues[0].Properties.Odd: unknown name
queue "q": ForwardTo "y": the simulated Service Bus does not forward
queue "q": LockDuration: duration "x" is not ISO 8601 such as PT1M or P14D
queue "q": MaxDeliveryCount -1 is not within 1 and 2000`)
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(official))
	f.Add([]byte(config))
	f.Fuzz(func(t *testing.T, data []byte) {
		cfg, err := servicebus.ParseConfig(data)
		if err != nil {
			return
		}
		n, err := servicebus.New(cfg, servicebus.Options{})
		require.NoError(t, err)
		require.NoError(t, n.Close())
	})
}
