package main

import (
	"context"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
)

const deadLetterQueue = "/$DeadLetterQueue"

// killedToDeath is why the bus gives up a message. One whose every delivery ended
// with the handler is lost, and its wake-up in the schedule is not. Whatever else
// is dead-lettered could not be read.
// https://learn.microsoft.com/azure/service-bus-messaging/service-bus-dead-letter-queues
const killedToDeath = "MaxDeliveryCountExceeded"

// checkDeadLetters wants no message to be given up but those that kills have ended
// ten times.
func (s *soak) checkDeadLetters(ctx context.Context) error {
	client, err := azservicebus.NewClientFromConnectionString(s.Azure.Endpoints().ServiceBus, nil)
	if err != nil {
		return err
	}
	defer client.Close(context.WithoutCancel(ctx))
	for entity, count := range s.Azure.Bus.Counts() {
		source, isDead := strings.CutSuffix(entity, deadLetterQueue)
		if !isDead || count.Active == 0 {
			continue
		}
		receiver, err := deadLettersOf(client, source)
		if err != nil {
			return err
		}
		messages, err := receiver.PeekMessages(ctx, count.Active, nil)
		if err != nil {
			return err
		}
		for _, m := range messages {
			s.judgeDeadLetter(source, m)
		}
	}
	return nil
}

func deadLettersOf(client *azservicebus.Client, source string) (*azservicebus.Receiver, error) {
	options := &azservicebus.ReceiverOptions{SubQueue: azservicebus.SubQueueDeadLetter}
	if topic, subscription, ok := strings.Cut(source, "/Subscriptions/"); ok {
		return client.NewReceiverForSubscription(topic, subscription, options)
	}
	return client.NewReceiverForQueue(source, options)
}

func (s *soak) judgeDeadLetter(source string, m *azservicebus.ReceivedMessage) {
	reason := "no reason"
	if m.DeadLetterReason != nil {
		reason = *m.DeadLetterReason
	}
	if reason != killedToDeath {
		s.breaks(8, source, "every message can be read", "%s: %s", reason, m.Body)
		return
	}
	s.givenUp++
}
