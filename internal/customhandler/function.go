package customhandler

import (
	"context"
	"net/http"
)

// Function is what answers one Azure function: a trigger or a forwarded HTTP
// handler. OnTimer, OnEvent, OnMessage and OnHTTP make one.
type Function struct {
	trigger func(context.Context, Invocation) error
	route   string
	http    http.Handler
}

// OnTimer answers a timerTrigger.
func OnTimer(tick func(context.Context, Timer) error) Function {
	return onTrigger(Invocation.Timer, tick)
}

// OnEvent answers an eventGridTrigger. Event Grid delivers at least once, and
// delivers a whole batch again when one of its events fails.
func OnEvent(handle func(context.Context, Event) error) Function {
	return onTrigger(Invocation.EventGrid, handle)
}

// OnMessage answers a serviceBusTrigger. Success completes the message; an error
// abandons it, and it is delivered again at once until it is dead-lettered.
func OnMessage(handle func(context.Context, ServiceBusMessage) error) Function {
	return onTrigger(Invocation.ServiceBus, handle)
}

// OnHTTP answers an httpTrigger on its route as function.json spells it: a literal
// path, or one whose last segment is {*path}. The handler sees the outside request.
func OnHTTP(route string, handler http.Handler) Function {
	return Function{route: route, http: handler}
}

func onTrigger[T any](decode func(Invocation) (T, error), handle func(context.Context, T) error) Function {
	return Function{trigger: func(ctx context.Context, in Invocation) error {
		value, err := decode(in)
		if err != nil {
			return err
		}
		return handle(ctx, value)
	}}
}

type invocationKey struct{}

// InvocationID returns the id of the invocation that the context belongs to, or
// nothing outside of one. Two deliveries of one message have different ids.
func InvocationID(ctx context.Context) string {
	id, _ := ctx.Value(invocationKey{}).(string)
	return id
}

func withInvocation(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, invocationKey{}, id)
}
