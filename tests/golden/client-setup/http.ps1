#Requires -RunAsAdministrator
# openwer: error reports of this machine go to 10.1.2.3 port 1273.
# It may run again at any time.  With -TestCrash a PowerShell that does nothing
# else is crashed at the end: its report must arrive within a minute.
param([switch]$TestCrash)

Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'

$policy = 'HKLM:\SOFTWARE\Policies\Microsoft\Windows\Windows Error Reporting'
$consent = "$policy\Consent"
$values = @(
    @{ Path = $policy; Name = 'Disabled'; Type = 'DWord'; Data = 0 }, # error reporting is on
    @{ Path = $policy; Name = 'CorporateWerServer'; Type = 'String'; Data = '10.1.2.3' }, # reports go to this collector
    @{ Path = $policy; Name = 'CorporateWerPortNumber'; Type = 'DWord'; Data = 1273 }, # at this port
    @{ Path = $policy; Name = 'CorporateWerUseSSL'; Type = 'DWord'; Data = 0 }, # 1: by HTTPS
    @{ Path = $policy; Name = 'DontShowUI'; Type = 'DWord'; Data = 1 }, # nobody is asked
    @{ Path = $policy; Name = 'DisableQueue'; Type = 'DWord'; Data = 0 }, # what cannot be sent now is sent later
    @{ Path = $policy; Name = 'BypassDataThrottling'; Type = 'DWord'; Data = 1 }, # cabinets are sent whenever asked for
    @{ Path = $consent; Name = 'DefaultConsent'; Type = 'DWord'; Data = 4 }, # all data may be sent
    @{ Path = $consent; Name = 'DefaultOverrideBehavior'; Type = 'DWord'; Data = 1 } # that holds for every event type
    # also on battery: @{ Path = $policy; Name = 'BypassPowerThrottling'; Type = 'DWord'; Data = 1 }
    # also on metered networks: @{ Path = $policy; Name = 'BypassNetworkCostThrottling'; Type = 'DWord'; Data = 1 }
)

foreach ($value in $values) {
    if (-not (Test-Path -LiteralPath $value.Path)) {
        New-Item -Path $value.Path -Force | Out-Null
    }
    $key = Get-Item -LiteralPath $value.Path
    if ($key.GetValueNames() -contains $value.Name -and
        $key.GetValueKind($value.Name) -eq $value.Type -and
        $key.GetValue($value.Name) -eq $value.Data) {
        Write-Output "unchanged  $($value.Name)"
        continue
    }
    New-ItemProperty -LiteralPath $value.Path -Name $value.Name `
        -PropertyType $value.Type -Value $value.Data -Force | Out-Null
    Write-Output "set        $($value.Name) = $($value.Data)"
}

# A test crash by hand:
#   powershell.exe -NoProfile -Command "[Environment]::FailFast('openwer test crash')"
if ($TestCrash) {
    Start-Process -FilePath powershell.exe -WindowStyle Hidden -Wait -ArgumentList `
        '-NoProfile', '-Command', "[Environment]::FailFast('openwer test crash')"
    Write-Output 'crashed    a throwaway PowerShell'
}
