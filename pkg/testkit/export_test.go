package testkit

var TenancyBreaches = tenancyBreaches
