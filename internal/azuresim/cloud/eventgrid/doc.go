// Package eventgrid is Event Grid in the simulated cloud.
package eventgrid
