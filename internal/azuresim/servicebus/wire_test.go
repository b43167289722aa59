package servicebus_test

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	goamqp "github.com/Azure/go-amqp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// dial connects with plain AMQP, as clients do that are not Service Bus's own.
func (b *bus) dial(t *testing.T, options *goamqp.ConnOptions) *goamqp.Session {
	t.Helper()
	conn, err := goamqp.Dial(deadline(t), "amqp://"+b.address, options)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	s, err := conn.NewSession(deadline(t), nil)
	require.NoError(t, err)
	return s
}

func plain() *goamqp.ConnOptions {
	return &goamqp.ConnOptions{SASLType: goamqp.SASLTypePlain("RootManageSharedAccessKey", "SAS_KEY_VALUE")}
}

func TestLinkNeedsAClaim(t *testing.T) {
	b := newBus(t)
	s := b.dial(t, &goamqp.ConnOptions{SASLType: goamqp.SASLTypeAnonymous()})
	for _, entity := range []string{"plain", "nowhere", "plain/$management"} {
		_, err := s.NewReceiver(deadline(t), entity, nil)
		assert.ErrorContains(t, err, "amqp:unauthorized-access", entity)
	}
	_, err := b.dial(t, plain()).NewReceiver(deadline(t), "plain", nil)
	assert.NoError(t, err, "a key by SASL PLAIN is a claim for everything")
}

func TestDrainedReceiverGetsNothingMore(t *testing.T) {
	b := newBus(t)
	r, err := b.dial(t, plain()).NewReceiver(deadline(t), "plain", &goamqp.ReceiverOptions{Credit: -1})
	require.NoError(t, err)
	require.NoError(t, r.IssueCredit(10))
	b.send(t, "plain", text("first"))
	m, err := r.Receive(deadline(t), nil)
	require.NoError(t, err)
	require.NoError(t, r.AcceptMessage(deadline(t), m))
	require.NoError(t, r.DrainCredit(deadline(t), nil))
	b.send(t, "plain", text("later"))
	assert.Equal(t, 1, b.Counts()["plain"].Active)
	require.NoError(t, r.IssueCredit(1))
	m, err = r.Receive(deadline(t), nil)
	require.NoError(t, err)
	assert.Equal(t, "later", string(m.GetData()))
}

func TestReleasedMessageCountsNoFailure(t *testing.T) {
	b := newBus(t)
	b.send(t, "plain", text(""))
	r, err := b.dial(t, plain()).NewReceiver(deadline(t), "plain", nil)
	require.NoError(t, err)
	for range 5 { // more often than MaxDeliveryCount
		m, err := r.Receive(deadline(t), nil)
		require.NoError(t, err)
		assert.Zero(t, m.Header.DeliveryCount)
		require.NoError(t, r.ReleaseMessage(deadline(t), m))
	}
}

func TestSmallFramesCarryLargeMessages(t *testing.T) {
	b := newBus(t)
	options := plain()
	options.MaxFrameSize = 512
	s := b.dial(t, options)
	sender, err := s.NewSender(deadline(t), "plain", nil)
	require.NoError(t, err)
	body := bytes.Repeat([]byte("0123456789"), 20_000)
	require.NoError(t, sender.Send(deadline(t), goamqp.NewMessage(body), nil))
	r, err := s.NewReceiver(deadline(t), "plain", nil)
	require.NoError(t, err)
	m, err := r.Receive(deadline(t), nil)
	require.NoError(t, err)
	assert.Equal(t, body, m.GetData())
	require.NoError(t, r.AcceptMessage(deadline(t), m))
}

func TestLinkTellsTheLargestMessage(t *testing.T) {
	b := newBus(t)
	sender, err := b.dial(t, plain()).NewSender(deadline(t), "plain", nil)
	require.NoError(t, err)
	assert.Equal(t, uint64(256*1024), sender.MaxMessageSize())
}

func TestGarbageEndsOnlyItsConnection(t *testing.T) {
	b := newBus(t)
	header := "AMQP\x00\x01\x00\x00"
	for name, bytes := range map[string]string{
		"an unknown protocol":     "AMQP\x07\x01\x00\x00",
		"a half header":           "AM",
		"a frame without session": header + "\x00\x00\x00\x0f\x02\x00\x00\x05\x00\x53\x17\xc0\x02\x01\x40",
		"a huge frame":            header + "\xff\xff\xff\xff\x02\x00\x00\x00",
		"noise":                   header + "\x00\x00\x00\x10\x02\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff",
		"no AMQP at all":          "\x01\x02\x03\x04\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", b.address)
			require.NoError(t, err)
			defer conn.Close()
			require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
			_, err = io.WriteString(conn, bytes)
			require.NoError(t, err)
			require.NoError(t, conn.(*net.TCPConn).CloseWrite())
			_, err = io.Copy(io.Discard, conn)
			assert.NoError(t, err, "the server hangs up")
		})
	}
	b.send(t, "plain", text("still here"))
	assert.Equal(t, "still here", string(one(t, b.receiver(t, "plain", nil)).Body))
}
